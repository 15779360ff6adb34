package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"hapscope/lab/image"
	"hapscope/lab/vm"
)

const (
	// bccProgram is hapscope built with the tag bcc, beside the static one.
	bccProgram = "hapscope-bcc"
	// guestPrograms is where the lab sees the directory that it is in.
	guestPrograms = "/lab/programs"
	// witnessBCC is the name of the witness that only bccProgram has.
	witnessBCC = "bcc"
)

// program is the hapscope that measures inside a lab. A static one is the lab's
// agent itself. One that is linked with libbpfcc comes in through a share, and
// finds its libraries among those of the other tracers.
type program struct {
	agent string // static binary; "" is the running one
	dir   string // that the lab must see; "" none
	path  string // in the lab
}

// labProgram chooses it. Where bcc is wanted and this binary lacks it, the program
// beside it is taken, if there is one.
func labProgram(bcc bool) (program, error) {
	self, err := os.Executable()
	if err != nil {
		return program{}, err
	}
	dir := filepath.Dir(self)
	switch {
	case hasBCC():
		p := program{filepath.Join(dir, "hapscope"), dir, filepath.Join(guestPrograms, filepath.Base(self))}
		if !isFile(p.agent) {
			return p, &codedError{code: exitUnfit, err: fmt.Errorf("%s cannot be the lab's agent, because it is linked dynamically, and there is no %s", self, p.agent), hint: "make build"}
		}
		return p, nil
	case bcc && isFile(filepath.Join(dir, bccProgram)):
		return program{"", dir, filepath.Join(guestPrograms, bccProgram)}, nil
	}
	return program{path: "hapscope"}, nil
}

// bcc reports whether the program has that witness.
func (p program) bcc() bool { return p.dir != "" }

// images are those of a lab in which the program can run.
func (p program) images(o image.Options) image.Options {
	if p.dir != "" {
		o.TracerPackages = labTracers
	}
	return o
}

// options are those of a machine in which the program can run.
func (p program) options(o vm.Options) vm.Options {
	o.Agent = p.agent
	if p.dir != "" {
		o.Shares = append(o.Shares, vm.Share{Host: p.dir, Guest: guestPrograms})
	}
	return o
}
