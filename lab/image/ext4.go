package image

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/Microsoft/hcsshim/ext4/tar2ext4"
)

// ext4FromTar makes a read-only ext4 image of a tar archive. It needs neither
// root nor a mount, keeps owners, devices and attributes, and makes the same
// image of the same archive; mke2fs can only take a directory, which an ordinary
// user cannot have with owners other than himself.
func ext4FromTar(archive, image string) error {
	in, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer in.Close()
	return ext4FromReader(in, image)
}

func ext4FromReader(archive io.Reader, image string) error {
	out, err := os.Create(image)
	if err != nil {
		return err
	}
	defer out.Close()
	if err := tar2ext4.ConvertTarToExt4(archive, out); err != nil {
		return fmt.Errorf("make %s: %w", filepath.Base(image), err)
	}
	return out.Close()
}

// ext4FromTree makes an image of a directory's content, all of it owned by root.
func ext4FromTree(dir, image string) error {
	r, w := io.Pipe()
	go func() { w.CloseWithError(tarTree(dir, w)) }()
	defer r.Close()
	return ext4FromReader(r, image)
}

// epoch is the time of files that were made here: an image is to depend on its
// inputs only.
var epoch = time.Unix(0, 0)

func tarTree(dir string, w io.Writer) error {
	t := tar.NewWriter(w)
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, p)
		if err != nil || name == "." {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		link := ""
		if info.Mode()&fs.ModeSymlink != 0 {
			if link, err = os.Readlink(p); err != nil {
				return err
			}
		}
		h, err := tar.FileInfoHeader(info, link)
		if err != nil {
			return err
		}
		h.Name, h.Uid, h.Gid, h.Uname, h.Gname, h.ModTime = name, 0, 0, "root", "root", epoch
		if d.IsDir() {
			h.Name += "/"
		}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return nil
		}
		f, err := os.Open(p)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(t, f)
		return err
	})
	if err != nil {
		return err
	}
	return t.Close()
}
