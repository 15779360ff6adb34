extern volatile int sink;
extern void oops(int) __attribute__((cold, noreturn));

int __attribute__((section(".init.text"))) init_module(void)
{
	return sink;
}

int probe(int n)
{
	if (n < 0) {
		sink = n;
		oops(n);
	}
	return sink;
}
