// Package probe answers what a kernel can do, as requirements with a remedy.
// Each probe tries the thing itself, in the smallest form there is, and reads
// versions and configurations only to explain why it did not work.
package probe
