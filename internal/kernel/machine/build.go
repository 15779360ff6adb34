package machine

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
)

// noteBuildID is NT_GNU_BUILD_ID of elf(5).
const noteBuildID = 3

// BuildID finds the GNU build id among ELF notes, such as those of /sys/kernel/notes:
// name size, description size and type, then both, each padded to 4 bytes.
func BuildID(notes []byte) (string, error) {
	for len(notes) >= 12 {
		nameSize := uint64(binary.NativeEndian.Uint32(notes))
		size := uint64(binary.NativeEndian.Uint32(notes[4:]))
		kind := binary.NativeEndian.Uint32(notes[8:])
		start := 12 + (nameSize+3)&^3
		end := start + size
		if end > uint64(len(notes)) {
			break
		}
		if kind == noteBuildID && string(notes[12:12+nameSize]) == "GNU\x00" && size > 0 {
			return hex.EncodeToString(notes[start:end]), nil
		}
		notes = notes[min((end+3)&^3, uint64(len(notes))):]
	}
	return "", errors.New("build id of the kernel: no GNU build id among its notes")
}

// configDigest is the SHA-256 of the kernel's configuration as text, wherever
// it is to be found, or empty.
func configDigest(release string) string {
	if b, err := os.ReadFile("/proc/config.gz"); err == nil {
		if text, err := gunzip(b); err == nil {
			return digest(text)
		}
	}
	for _, file := range []string{"/boot/config-" + release, "/lib/modules/" + release + "/config", "/usr/lib/modules/" + release + "/config"} {
		if b, err := os.ReadFile(file); err == nil {
			return digest(b)
		}
	}
	return ""
}

func digest(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }

func gunzip(b []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// ModuleBuildID returns the build id of a loaded module.
func ModuleBuildID(module string) (string, error) {
	notes, err := os.ReadFile("/sys/module/" + module + "/notes/.note.gnu.build-id")
	if err != nil {
		return "", fmt.Errorf("build id of module %s: %w", module, err)
	}
	return BuildID(notes)
}
