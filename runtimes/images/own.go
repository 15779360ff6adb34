package images

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Repository is the name, without a tag, that images are given. Docker and Podman take
// it for the same one because it names a registry, of this machine, which is never asked.
const Repository = "localhost/hapscope/workloads"

// Own is hapscope's image: a root file system in a directory. It depends on nothing but
// the files (names, contents, modes, owners, times of change), so that the same ones give
// the same digests everywhere.
type Own struct {
	v1.Image
	ID string // digest of its configuration, which engines call it by: sha256:…
	// Reference is its name, whose tag is made of ID: an engine that has an image of that
	// name has this one.
	Reference string
}

// NewOwn makes the image. It reads all files, once.
func NewOwn(dir string) (*Own, error) {
	img, err := mutate.AppendLayers(empty.Image, &layer{dir: dir})
	if err == nil {
		img, err = mutate.ConfigFile(img, config(img))
	}
	if err != nil {
		return nil, fmt.Errorf("make an image of %s: %w", dir, err)
	}
	id, err := img.ConfigName()
	if err != nil {
		return nil, fmt.Errorf("make an image of %s: %w", dir, err)
	}
	return &Own{img, id.String(), Repository + ":" + id.Hex[:12]}, nil
}

// config adds what engines ask of an image to what mutate has made.
func config(img v1.Image) *v1.ConfigFile {
	c, err := img.ConfigFile()
	if err != nil {
		c = &v1.ConfigFile{} // and mutate says why
	}
	c = c.DeepCopy()
	c.Architecture, c.OS = "amd64", "linux"
	return c
}

// Write writes the image as the archive that `docker load` and `podman load` take.
func (i *Own) Write(w io.Writer) error {
	tag, err := name.NewTag(i.Reference)
	if err != nil {
		return err
	}
	return tarball.Write(tag, i.Image, w)
}

// layer is the root file system. It is not compressed: it goes no further than to an
// engine on this machine.
type layer struct {
	dir string

	once sync.Once
	hash v1.Hash
	size int64
	err  error
}

func (l *layer) measure() {
	l.once.Do(func() {
		sum := sha256.New()
		count := &counter{w: sum}
		l.err = write(count, l.dir)
		l.hash, l.size = v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum.Sum(nil))}, count.n
	})
}

// Digest implements v1.Layer.
func (l *layer) Digest() (v1.Hash, error) { return l.DiffID() }

// DiffID implements v1.Layer.
func (l *layer) DiffID() (v1.Hash, error) {
	l.measure()
	return l.hash, l.err
}

// Compressed implements v1.Layer.
func (l *layer) Compressed() (io.ReadCloser, error) { return l.Uncompressed() }

// Uncompressed implements v1.Layer.
func (l *layer) Uncompressed() (io.ReadCloser, error) {
	r, w := io.Pipe()
	go func() { w.CloseWithError(write(w, l.dir)) }()
	return r, nil
}

// Size implements v1.Layer.
func (l *layer) Size() (int64, error) {
	l.measure()
	return l.size, l.err
}

// MediaType implements v1.Layer.
func (l *layer) MediaType() (types.MediaType, error) { return types.DockerUncompressedLayer, nil }

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// write writes a directory as a tar archive, in the order of names.
func write(w io.Writer, dir string) error {
	t := tar.NewWriter(w)
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		return writeEntry(t, dir, path)
	})
	if err != nil {
		return err
	}
	return t.Close()
}

func writeEntry(t *tar.Writer, dir, path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSocket != 0 {
		return nil // there are none in an archive
	}
	link := ""
	if info.Mode()&fs.ModeSymlink != 0 {
		if link, err = os.Readlink(path); err != nil {
			return err
		}
	}
	h, err := tar.FileInfoHeader(info, link)
	if err != nil {
		return err
	}
	if h.Name, err = filepath.Rel(dir, path); err != nil {
		return err
	}
	if info.IsDir() {
		h.Name += "/"
	}
	// Names of users are this machine's; when a file was read is nobody's business.
	h.Uname, h.Gname, h.AccessTime, h.ChangeTime = "", "", time.Time{}, time.Time{}
	h.ModTime, h.Format = h.ModTime.Truncate(time.Second), tar.FormatPAX
	if err := t.WriteHeader(h); err != nil || !info.Mode().IsRegular() {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(t, f)
	return err
}
