extern volatile int sink;

void __attribute__((cold, noreturn)) oops(int n)
{
	for (;;)
		sink = n;
}

static __attribute__((noinline)) int twin(int n)
{
	if (n > 1000) {
		sink = 2;
		sink = 3;
		oops(n);
	}
	return n * sink;
}

int second(int n)
{
	return twin(n) - 1;
}
