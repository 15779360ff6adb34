#include "linux/twice.h"

volatile int sink;
extern void oops(int) __attribute__((cold, noreturn));

static __attribute__((noinline)) int twin(int n)
{
	if (n < 0) {
		sink = 1;
		oops(n);
	}
	return twice(n) + sink;
}

int first(int n)
{
	return twin(n)
		+ twice(sink);
}

int first_too(int n) __attribute__((alias("first")));
