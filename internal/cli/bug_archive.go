package cli

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
)

// bugReportDir is what the archive unpacks to.
const bugReportDir = "hapscope-bugreport/"

// write makes the archive: for its owner to read, whole or not at all, and never over
// something that is there. Of one content it is always the same bytes.
func (b *bugReport) write(path string) (err error) {
	slices.SortFunc(b.files, func(x, y namedText) int { return strings.Compare(x.name, y.name) })
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return &codedError{code: exitUsage, err: err, hint: "name another file with --out"}
	}
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			os.Remove(path)
		}
	}()
	return b.archive(f)
}

func (b *bugReport) archive(w io.Writer) error {
	z := gzip.NewWriter(w)
	t := tar.NewWriter(z)
	for _, f := range b.files {
		if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: bugReportDir + f.name, Mode: 0o600, Size: int64(len(f.content))}); err != nil {
			return err
		}
		if _, err := io.WriteString(t, f.content); err != nil {
			return err
		}
	}
	return errors.Join(t.Close(), z.Close())
}
