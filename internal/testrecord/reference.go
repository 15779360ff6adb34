package testrecord

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/ulikunitz/xz"

	"hapscope/record"
)

// Reference unpacks a real record of docs/reference and reads it.
func Reference(t testing.TB, name string) *record.Record {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	f, err := os.Open(filepath.Join(filepath.Dir(here), "../../docs/reference", name, "record.tar.xz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	dir := t.TempDir()
	if err := unpack(f, dir); err != nil {
		t.Fatalf("unpack %s: %v", f.Name(), err)
	}
	rec, err := record.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// unpack writes the files of an archive into dir, without the directories in which
// they are in it.
func unpack(r io.Reader, dir string) error {
	x, err := xz.NewReader(r)
	if err != nil {
		return err
	}
	for archive := tar.NewReader(x); ; {
		h, err := archive.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case h.Typeflag != tar.TypeReg:
			continue
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(h.Name)), content, 0o644); err != nil {
			return err
		}
	}
}
