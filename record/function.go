package record

// Function is one traceable function of a kernel. Its identity is module,
// symbol and offset in that kernel's build: names alone lie (duplicate statics,
// .isra and .constprop clones).
type Function struct {
	Module string // "" for the kernel's own image
	Symbol string
	Offset uint64 // bytes from the start of the image's or the module's text, the same at each boot
}

// Name is how people write the function: symbol, or symbol [module].
func (f Function) Name() string {
	if f.Module == "" {
		return f.Symbol
	}
	return f.Symbol + " [" + f.Module + "]"
}
