extern int probe(int);

int remove(int n)
{
	return probe(n) + 1;
}

int __attribute__((section(".noinstr.text"))) quiet(int n)
{
	return n + 2;
}
