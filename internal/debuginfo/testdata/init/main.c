extern int first(int), second(int);
extern volatile int sink;

__attribute__((section(".init.text"), noinline)) int setup(int n)
{
	return n + sink;
}

int start_kernel(int n)
{
	return first(n) + second(n);
}
