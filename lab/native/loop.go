package native

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// mountImage mounts an ext4 image at target, read-only. Its loop device goes when it is
// unmounted.
func mountImage(image, target string) error {
	device, err := attach(image)
	if err != nil {
		return fmt.Errorf("mount %s: %w", image, err)
	}
	defer device.Close() // from then on the mount holds it
	if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	// The image is shared with whoever has mounted it too: the journal stays as it is.
	if err := unix.Mount(device.Name(), target, "ext4", unix.MS_RDONLY|unix.MS_NOATIME, "noload"); err != nil {
		return fmt.Errorf("mount %s (%s) on %s: %w", image, device.Name(), target, err)
	}
	return nil
}

// attach returns a loop device for a file. It is freed when nobody holds it any more.
func attach(image string) (*os.File, error) {
	file, err := os.Open(image)
	if err != nil {
		return nil, err
	}
	defer file.Close() // the device holds it
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer control.Close()
	for {
		n, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return nil, fmt.Errorf("find a free loop device: %w", err)
		}
		device, err := os.OpenFile(fmt.Sprintf("/dev/loop%d", n), os.O_RDONLY, 0)
		if err != nil {
			return nil, err
		}
		// One call since Linux 5.8: a device that was killed half-way set up is none.
		err = unix.IoctlLoopConfigure(int(device.Fd()), &unix.LoopConfig{
			Fd: uint32(file.Fd()), Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_READ_ONLY | unix.LO_FLAGS_AUTOCLEAR},
		})
		if err == nil {
			return device, nil
		}
		device.Close()
		if !errors.Is(err, unix.EBUSY) { // which is: somebody else was faster
			return nil, fmt.Errorf("set up %s: %w", device.Name(), err)
		}
	}
}

// MountImage mounts an ext4 image at target, read-only, for this process and what it
// starts: nobody else sees it, and it goes with them. The process must have been started
// with Attributes.
func MountImage(image, target string) error {
	if err := alone(); err != nil {
		return err
	}
	return mountImage(image, target)
}
