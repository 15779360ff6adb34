package record

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// openPlain opens a file of a run directory: a regular one that no link stands for. While
// a run is in the lab its guest writes there too; whatever it leaves must neither lead
// this machine's hapscope to another file nor hold it up, as a pipe would.
func openPlain(path string, flag int, mode os.FileMode) (*os.File, error) {
	f, err := os.OpenFile(path, flag|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, mode)
	if errors.Is(err, syscall.ELOOP) {
		return nil, fmt.Errorf("%s is a symbolic link, which no file of a run directory may be", path)
	}
	if errors.Is(err, syscall.ENXIO) { // a pipe without a reader, a socket
		return nil, irregular(path)
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = irregular(path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func irregular(path string) error {
	return fmt.Errorf("%s is not a regular file, as all of a run directory are", path)
}

// readPlain reads such a file.
func readPlain(path string) ([]byte, error) {
	f, err := openPlain(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// LogFile is what a run said, as people saw it; nothing reads it but people.
const LogFile = "run.log"

// OpenLog opens the log of a run directory, to add to it.
func OpenLog(dir string) (*os.File, error) {
	f, err := openPlain(dir+"/"+LogFile, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the log of the run: %w", err)
	}
	return f, nil
}

// ReadFile reads a file of a run directory by its name, for who wants its very text.
func ReadFile(dir, name string) ([]byte, error) { return readPlain(dir + "/" + name) }
