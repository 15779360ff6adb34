package guest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// openPort opens the virtio-serial port of that name and waits until the host
// is at the other end: before that, reading it says end of file.
func openPort(name string) (io.ReadWriteCloser, error) {
	const class = "/sys/class/virtio-ports"
	entries, err := os.ReadDir(class)
	if err != nil {
		return nil, fmt.Errorf("list the virtio ports: %w", err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(class, e.Name(), "name"))
		if err != nil || strings.TrimSpace(string(b)) != name {
			continue
		}
		f, err := os.OpenFile("/dev/"+e.Name(), os.O_RDWR, 0)
		if err != nil {
			return nil, fmt.Errorf("open the port to the host: %w", err)
		}
		if err := awaitHost(f); err != nil {
			f.Close()
			return nil, err
		}
		return f, nil
	}
	return nil, fmt.Errorf("no virtio port is named %s", name)
}

// awaitHost waits until the other end of the port is open.
func awaitHost(f *os.File) error {
	const patience = 30 * time.Second
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		var polled error
		hungUp := true
		if err := conn.Control(func(fd uintptr) {
			p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
			_, polled = unix.Poll(p, 0)
			hungUp = p[0].Revents&unix.POLLHUP != 0
		}); err != nil {
			return err
		}
		if polled != nil && !errors.Is(polled, unix.EINTR) {
			return fmt.Errorf("poll the port to the host: %w", polled)
		}
		if polled == nil && !hungUp {
			return nil
		}
	}
	return fmt.Errorf("the host did not open its end of the port within %s", patience)
}
