package symbols

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"hapscope/record"
)

// maxSiteOffset is how far behind a function's start its patch site may lie:
// behind endbr64 on x86 (4 bytes), behind bti and two nops elsewhere.
const maxSiteOffset = 16

// errUnplaced is a traceable function whose address no one tells.
var errUnplaced = errors.New("traceable functions: not among the kernel's symbols")

// Table is the universe of one running kernel.
type Table struct {
	// Functions are sorted by module and offset.
	Functions []record.Function
	// Untraceable counts the functions in kallsyms that the tracer cannot see.
	Untraceable int
	// Ambiguous counts the functions of which only the name is sure: an older
	// kernel lists several under it, and the order does not tell which is which.
	Ambiguous int
	// Invalid counts listed patch sites that are in no living function.
	Invalid int

	starts    []uint64          // of Functions
	unseen    map[uint64]string // names of the functions that the tracer cannot see
	variables map[string]uint64
	byIP      ipTable
	byName    map[key]int
}

// Source is what a Table is made from.
type Source struct {
	Kallsyms  string // the content of /proc/kallsyms
	Functions string // of available_filter_functions, or of available_filter_functions_addrs
	Addresses bool   // Functions has addresses
	// ModuleText returns where a module's .text was loaded, 0 where that is unknown.
	ModuleText func(module string) uint64
}

// New makes the universe.
func New(s Source) (*Table, error) {
	k, err := parseKallsyms(s.Kallsyms)
	if err != nil {
		return nil, err
	}
	sites, invalid, err := parseSites(s.Functions, s.Addresses)
	if err != nil {
		return nil, err
	}
	t := &Table{Invalid: invalid, variables: k.variables}
	var starts []uint64
	if s.Addresses {
		starts = placeByAddress(sites, k.text)
	} else {
		starts, t.Ambiguous = placeByName(sites, k.text)
	}
	bases := bases(k, s.ModuleText)

	type entry struct {
		function  record.Function
		ip, start uint64
	}
	entries := make([]entry, 0, len(sites))
	seen := make(map[uint64]bool, len(sites))
	for i, site := range sites {
		start := starts[i]
		if start == 0 {
			return nil, fmt.Errorf("%w: %s", errUnplaced, record.Function{Module: site.module, Symbol: site.name}.Name())
		}
		if seen[start] {
			continue // a function with two patch sites would be two lines of one identity
		}
		seen[start] = true
		// Clones, so that a name does not keep the megabytes of its file alive.
		f := record.Function{Module: strings.Clone(site.module), Symbol: strings.Clone(site.name), Offset: start - bases[site.module]}
		entries = append(entries, entry{f, site.ip, start})
	}
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(strings.Compare(a.function.Module, b.function.Module), cmp.Compare(a.function.Offset, b.function.Offset))
	})
	t.byIP = newIPTable(2 * len(sites))
	t.Functions, t.starts = make([]record.Function, len(entries)), make([]uint64, len(entries))
	index := make(map[uint64]int, len(entries))
	for i, e := range entries {
		t.Functions[i], t.starts[i], index[e.start] = e.function, e.start, i
		if e.ip == 0 {
			// Only the start is known: the site is there or behind endbr64,
			// which an indirect-branch-tracking kernel puts first.
			t.byIP.put(e.start, i)
			t.byIP.put(e.start+4, i)
		}
	}
	for i, site := range sites {
		if site.ip != 0 {
			t.byIP.put(site.ip, index[starts[i]])
		}
	}
	t.Untraceable = t.name(k, index)
	return t, nil
}

// name fills byName with all names of all functions, aliases included, and
// returns how many other functions kallsyms holds.
func (t *Table) name(k *kallsyms, index map[uint64]int) (untraceable int) {
	t.byName = make(map[key]int, len(index))
	t.unseen = make(map[uint64]string)
	for _, s := range k.text {
		if i, ok := index[s.address]; ok {
			name := key{t.Functions[i].Module, strings.Clone(s.name)}
			if old, dup := t.byName[name]; dup && old != i {
				i = duplicate
			}
			t.byName[name] = i
		} else if _, known := t.unseen[s.address]; !known && k.runs(s) {
			t.unseen[s.address] = record.Function{Module: strings.Clone(s.module), Symbol: strings.Clone(s.name)}.Name()
		}
	}
	return len(t.unseen)
}

// duplicate marks a name that several functions have.
const duplicate = -1

// Lookup returns the index of the function whose patch site is at ip, or -1.
func (t *Table) Lookup(ip uint64) int { return t.byIP.get(ip) }

// Find returns the index of the one function with this name or alias, or -1
// where there is none or several.
func (t *Table) Find(module, name string) int {
	if i, ok := t.byName[key{module, name}]; ok {
		return i
	}
	return -1
}

// bases returns from where offsets count: the image's text, and each module's
// .text. A module's lowest function takes over where .text is not known or
// not lowest, so that no offset is negative; the sections of a module keep
// their distances, so that offsets are the same at each boot either way.
func bases(k *kallsyms, moduleText func(string) uint64) map[string]uint64 {
	lowest := make(map[string]uint64)
	for _, s := range k.text {
		if at, ok := lowest[s.module]; !ok || s.address < at {
			lowest[s.module] = s.address
		}
	}
	for module := range lowest {
		if module == "" || moduleText == nil {
			continue
		}
		if at := moduleText(module); at != 0 && at < lowest[module] {
			lowest[module] = at
		}
	}
	lowest[""] = k.start
	return lowest
}

// Extend adds the functions of a table that was read later, those of modules that
// were loaded meanwhile, behind the others, whose indices stay. It returns the
// indices of the new ones.
func (t *Table) Extend(later *Table) (added []int) {
	known := make(map[record.Function]bool, len(t.Functions))
	for _, f := range t.Functions {
		known[f] = true
	}
	renamed := make(map[int]int)
	for i, f := range later.Functions {
		if known[f] {
			continue
		}
		at := len(t.Functions)
		t.Functions, t.starts = append(t.Functions, f), append(t.starts, later.starts[i])
		renamed[i], added = at, append(added, at)
	}
	for _, slot := range later.byIP.slots {
		if at, ok := renamed[int(slot.index)]; ok && slot.ip != 0 {
			t.byIP.put(slot.ip, at)
		}
	}
	for name, i := range later.byName {
		if at, ok := renamed[i]; ok {
			t.byName[name] = at
		}
	}
	t.Untraceable = later.Untraceable
	for address, name := range later.unseen {
		t.unseen[address] = name
	}
	return added
}

// Variable returns the address that kallsyms shows for a variable, one of
// variableNames; that of a per-CPU variable is its place in each CPU's area.
func (t *Table) Variable(name string) (address uint64, ok bool) {
	address, ok = t.variables[name]
	return address, ok
}

// Address returns where function i starts.
func (t *Table) Address(i int) uint64 { return t.starts[i] }

// Name returns the name of the function that starts at an address or has its
// patch site there, or the address where there is none.
func (t *Table) Name(address uint64) string {
	i := t.Lookup(address)
	if i < 0 {
		i = slices.Index(t.starts, address)
	}
	if i >= 0 {
		return t.Functions[i].Name()
	}
	if name, ok := t.unseen[address]; ok {
		return name
	}
	return fmt.Sprintf("%#x", address)
}
