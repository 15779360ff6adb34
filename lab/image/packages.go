package image

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hapscope/record"
)

// packagesFile lists what is installed in a component.
const packagesFile = "packages.json"

// dpkgStatus is where dpkg keeps what is installed.
const dpkgStatus = "var/lib/dpkg/status"

// savePackages writes the list of what the archive's dpkg has installed.
func savePackages(archive, component, dir string) error {
	tmp, err := os.MkdirTemp(dir, "dpkg-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := untar(archive, tmp, func(name string) bool { return name == dpkgStatus }); err != nil {
		return err
	}
	f, err := os.Open(filepath.Join(tmp, dpkgStatus))
	if err != nil {
		return err
	}
	defer f.Close()
	list, err := parseStatus(f, component)
	if err != nil {
		return err
	}
	return writeJSON(filepath.Join(dir, packagesFile), list)
}

// parseStatus reads dpkg's status file: paragraphs of "Field: value".
func parseStatus(r io.Reader, component string) ([]record.Package, error) {
	var list []record.Package
	p := record.Package{Image: component}
	installed := false
	flush := func() {
		if installed && p.Name != "" {
			list = append(list, p)
		}
		p, installed = record.Package{Image: component}, false
	}
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<20)
	line := 0
	for s.Scan() {
		line++
		field, value, _ := strings.Cut(s.Text(), ": ")
		switch {
		case s.Text() == "":
			flush()
		case field == "Package":
			p.Name = value
		case field == "Version":
			p.Version = value
		case field == "Status":
			installed = strings.HasSuffix(value, " installed")
		}
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("read dpkg's status: line %d: %w", line+1, err)
	}
	flush()
	if len(list) == 0 {
		return nil, fmt.Errorf("dpkg's status lists no installed package")
	}
	slices.SortFunc(list, func(a, b record.Package) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}
