// Package file reads of files what the drivers of runtimes tell: digests of
// programs, and the end of what was printed.
package file

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
)

// Digest is the SHA-256 of a file, in hexadecimal.
func Digest(path string) (string, error) {
	if p, err := filepath.EvalSymlinks(path); err == nil {
		path = p
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// tailBytes is how much of the output is worth showing in a message.
const tailBytes = 4096

// Tail returns the last whole lines of a file, or nothing if it has none.
func Tail(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return ""
	}
	from := max(0, end-tailBytes)
	b, err := io.ReadAll(io.NewSectionReader(f, from, end-from))
	if err != nil {
		return ""
	}
	if _, rest, ok := bytes.Cut(b, []byte("\n")); ok && from > 0 {
		b = rest // the first line is not whole
	}
	return string(bytes.TrimSpace(b))
}
