package file

import (
	"archive/tar"
	"bytes"
	"maps"
	"path"
	"slices"
	"strings"
)

// Archive is files as a tar, with the directories that they are in.
func Archive(files map[string]string) *bytes.Buffer {
	var b bytes.Buffer
	w := tar.NewWriter(&b) // into memory, which does not fail
	made := map[string]bool{"": true}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		relative := strings.TrimPrefix(path.Clean(name), "/")
		parts := strings.Split(relative, "/")
		for i := range parts[:len(parts)-1] {
			if dir := path.Join(parts[:i+1]...); !made[dir] {
				made[dir] = true
				w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755})
			}
		}
		w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: relative, Mode: 0o644, Size: int64(len(files[name]))})
		w.Write([]byte(files[name]))
	}
	w.Close()
	return &b
}
