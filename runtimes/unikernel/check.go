package unikernel

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"hapscope/record"
	"hapscope/runtimes/file"
)

// Kind is what a variant asks of the unikernels that it boots.
type Kind struct {
	Target Target
	// Container is for a container runtime: it makes the disk of a directory, and the
	// arguments, which are the program's, of what the bundle says.
	Container  bool
	Rumprun    bool   // what the unikernel is handed is one JSON object
	Suffix     string // with which the file's name must end
	Documented string // where upstream says how to build one
}

// blockSize is the least that a disk may have (tenders/…/spt_module_block.c).
const blockSize = 512

// Check says what of the unikernel for a workload is missing or wrong; nil is what no
// configuration names.
func (k Kind) Check(workload string, u *record.Unikernel) []record.Requirement {
	q := record.Requirement{Name: "unikernel for " + workload, Remedy: "build one (" + k.Documented + ") and name it below unikernels in scenarios.yaml (docs/nabla.md)"}
	switch found, err := k.Examine(u); {
	case err != nil:
		q.Detail = err.Error()
	default:
		q.Met, q.Detail, q.Remedy = true, found, ""
	}
	return []record.Requirement{q}
}

// Examine returns what a unikernel is, or all that is wrong with it.
func (k Kind) Examine(u *record.Unikernel) (found string, err error) {
	if u == nil {
		return "", errors.New("none is named")
	}
	image, err := Read(u.Image)
	if err != nil {
		return "", err
	}
	return u.Image, all(k.checkImage(u, image), k.checkDisk(u), k.checkArgs(u))
}

// all makes one line of errors.
func all(errs ...error) error {
	var texts []string
	for _, err := range errs {
		if err != nil {
			texts = append(texts, err.Error())
		}
	}
	if texts == nil {
		return nil
	}
	return errors.New(strings.Join(texts, "; "))
}

// Tools are its files, with their digests.
func (k Kind) Tools(workload string, u record.Unikernel) ([]record.Tool, error) {
	files := []string{u.Image}
	if u.Disk != "" {
		err := filepath.WalkDir(u.Disk, func(path string, e fs.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("list disk %s: %w", u.Disk, err)
		}
	}
	var tools []record.Tool
	for i, path := range files {
		sum, err := file.Digest(path)
		if err != nil {
			return nil, fmt.Errorf("digest %s: %w", path, err)
		}
		name := "unikernel for " + workload
		if i > 0 {
			name = "disk of the " + name
		}
		tools = append(tools, record.Tool{Name: name, Path: path, SHA256: sum})
	}
	return tools, nil
}

func (k Kind) checkImage(u *record.Unikernel, image *Image) error {
	switch {
	case image.Machine != machine():
		return fmt.Errorf("%s is for the machine %v, not for this one (%s)", u.Image, image.Machine, runtime.GOARCH)
	case image.Target != k.Target:
		return fmt.Errorf("%s was built for %v, want %v", u.Image, image.Target, k.Target)
	case !strings.HasSuffix(u.Image, k.Suffix):
		return fmt.Errorf("the name of %s does not end in %s", u.Image, k.Suffix)
	case len(image.Nets) > 1 || len(image.Blocks) > 1:
		return fmt.Errorf("%s wants the networks %q and the disks %q: hapscope attaches one of each", u.Image, image.Nets, image.Blocks)
	case k.Target != Unnoted && len(image.Nets) == 0:
		return fmt.Errorf("%s has no network: no workload can be asked for anything", u.Image)
	case len(image.Blocks) > 0 && u.Disk == "":
		return fmt.Errorf("%s wants the disk %s, and none is named", u.Image, image.Blocks[0])
	case k.Target != Unnoted && len(image.Blocks) == 0 && u.Disk != "":
		return fmt.Errorf("%s has no disk, and %s is named", u.Image, u.Disk)
	}
	return nil
}

func (k Kind) checkDisk(u *record.Unikernel) error {
	if u.Disk == "" {
		return nil
	}
	info, err := os.Stat(u.Disk)
	switch {
	case err != nil:
		return fmt.Errorf("disk: %w", err)
	case k.Container && !info.IsDir():
		return fmt.Errorf("disk: %s must be a directory, of which the runtime makes one", u.Disk)
	case !k.Container && !info.Mode().IsRegular():
		return fmt.Errorf("disk: %s is no file", u.Disk)
	case !k.Container && info.Size() < blockSize:
		return fmt.Errorf("disk: %s has %d bytes, want at least one block of %d", u.Disk, info.Size(), blockSize)
	}
	return nil
}

func (k Kind) checkArgs(u *record.Unikernel) error {
	if k.Container {
		return nil
	}
	if k.Rumprun {
		if err := CheckRumprun(u.Args); err != nil {
			return fmt.Errorf("args: %w", err)
		}
	}
	if !slices.ContainsFunc(u.Args, func(a string) bool { return strings.Contains(a, "{address}") }) {
		return errors.New("args: {address} is nowhere in them, so that the unikernel would have another address than the sandbox")
	}
	return nil
}

// machine is that of this machine's programs.
func machine() elf.Machine {
	return map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[runtime.GOARCH]
}
