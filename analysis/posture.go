package analysis

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"hapscope/record"
)

// Permission is how many system calls tasks may still make together: what is allowed to
// one of them is allowed.
type Permission struct {
	Allowed     int // with any arguments
	Conditional int // with some, or if another process agrees
	Denied      int
	Least       bool // tasks are among them that could not be read: Allowed and Conditional are the least
}

// Reachable is how many calls may be allowed at all.
func (p Permission) Reachable() int { return p.Allowed + p.Conditional }

// permission adds up what tasks of some roles may do; ok is false where there are none.
func permission(postures []record.Posture, wanted func(record.Role) bool) (p Permission, ok bool) {
	verdicts, least, ok := verdicts(postures, wanted)
	if !ok {
		return p, false
	}
	p.Least = least
	for _, v := range verdicts {
		switch v {
		case allowed:
			p.Allowed++
		case conditional:
			p.Conditional++
		default:
			p.Denied++
		}
	}
	return p, true
}

// verdict on a system call, the most that any task has.
type verdict int

const (
	denied verdict = iota
	conditional
	allowed
)

func verdicts(postures []record.Posture, wanted func(record.Role) bool) (out map[string]verdict, least, ok bool) {
	out = map[string]verdict{}
	raise := func(name string, v verdict) { out[name] = max(out[name], v) }
	for _, p := range postures {
		if !wanted(p.Role) {
			continue
		}
		if p.Syscalls == nil {
			least = true
			continue
		}
		for _, name := range p.Syscalls.Denied {
			raise(name, denied)
		}
		for name := range p.Syscalls.Conditional {
			raise(name, conditional)
		}
		for _, name := range p.Syscalls.Allowed {
			raise(name, allowed)
		}
	}
	return out, least, len(out) > 0
}

// wantedBy says which roles a context is about, nil where it is about no roles.
func wantedBy(c record.Context) func(record.Role) bool {
	switch role := RoleOf(c); {
	case c == record.InProcess:
		return func(record.Role) bool { return true }
	case c == Front:
		return func(r record.Role) bool { return !BackEnd(r) }
	case role != "":
		return func(r record.Role) bool { return r == role }
	}
	return nil
}

// permitted returns a sample's number of one of the metrics of policies. Where a task
// could not be read there is no number.
func (s *Sample) permitted(m Metric, c record.Context) (float64, bool) {
	wanted := wantedBy(c)
	if wanted == nil {
		return 0, false
	}
	p, ok := permission(s.Postures, wanted)
	if !ok || p.Least {
		return 0, false
	}
	n := map[Metric]int{AllowedSyscalls: p.Allowed, ConditionalSyscalls: p.Conditional, DeniedSyscalls: p.Denied}[m]
	return float64(n), true
}

// Use is what a cell's sandbox used of the host's system calls beside what it may use.
type Use struct {
	record.Cell
	Functions *Summary    // of the kernel; nil where not measured
	Used      *Summary    // different system calls of the steady state; nil where not measured
	All       Permission  // of the whole sandbox
	Front     *Permission // of what runs the program; nil where that was not read, or is all that there is
	// Beyond are calls that were used in the steady state though every task that was
	// read is denied them: by a task that had ended, or the reading is wrong.
	Beyond []string
}

// Ratio is how much of what the sandbox may ask for it asked for.
func (u *Use) Ratio() (float64, bool) {
	if u.Used == nil || u.All.Reachable() == 0 || u.All.Least {
		return 0, false
	}
	return u.Used.Median / float64(u.All.Reachable()), true
}

// RatioWords writes it, or says that it is not known.
func (u *Use) RatioWords() string {
	n, ok := u.Ratio()
	if !ok {
		return "not known"
	}
	return fmt.Sprintf("%.0f %%", 100*n)
}

// Uses returns one line for each cell whose policy was read.
func (r *Report) Uses() (out []Use) {
	for _, c := range r.Cells {
		all, ok := permission(c.postures, wantedBy(record.InProcess))
		if !ok {
			continue
		}
		u := Use{Cell: c.Cell, Functions: c.HAP(), Used: c.Summary(record.Steady, record.InProcess, UniqueSyscalls), All: all, Beyond: c.beyond()}
		if front, ok := permission(c.postures, wantedBy(Front)); ok && slices.ContainsFunc(c.postures, func(p record.Posture) bool { return BackEnd(p.Role) }) {
			u.Front = &front
		}
		out = append(out, u)
	}
	return out
}

// beyond compares what was used with what is allowed.
func (c *Cell) beyond() (names []string) {
	known, least, ok := verdicts(c.postures, wantedBy(record.InProcess))
	if !ok || least {
		return nil
	}
	for _, s := range c.samples[record.Steady] {
		for name := range s.Syscalls {
			if v, listed := known[name]; listed && v == denied && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// Held is what tasks of a variant that are alike are held to.
type Held struct {
	Variant   string
	Workloads []string // under which; nil where it is so under all that were read
	record.Posture
	MinThreads int // Threads is the most of any repetition
}

// Postures lists what each part of each variant is held to, the same once.
func (r *Report) Postures() (out []Held) {
	for _, variant := range r.Run.Plan.Variants {
		var held []Held
		index, read := map[string]int{}, 0
		for _, c := range r.Cells {
			if c.Variant != variant || len(c.postures) == 0 {
				continue
			}
			read++
			for _, p := range c.postures {
				key := likeness(p)
				at, ok := index[key]
				if !ok {
					at = len(held)
					index[key] = at
					held = append(held, Held{Variant: variant, Posture: p, MinThreads: p.Threads})
				}
				held[at].add(c.Workload, p)
			}
		}
		out = append(out, finished(held, read)...)
	}
	return out
}

func (h *Held) add(workload string, p record.Posture) {
	if !slices.Contains(h.Workloads, workload) {
		h.Workloads = append(h.Workloads, workload)
	}
	h.MinThreads, h.Threads = min(h.MinThreads, p.Threads), max(h.Threads, p.Threads)
	h.Processes = slices.Compact(slices.Sorted(slices.Values(slices.Concat(h.Processes, p.Processes))))
}

func finished(held []Held, read int) []Held {
	order := record.Roles()
	for i := range held {
		if len(held[i].Workloads) == read {
			held[i].Workloads = nil
		}
	}
	slices.SortStableFunc(held, func(a, b Held) int {
		return cmp.Compare(slices.Index(order, a.Role), slices.Index(order, b.Role))
	})
	return held
}

// likeness is the same for tasks that are held to the same, but for the values that
// conditions name: descriptors and addresses differ with each start.
func likeness(p record.Posture) string {
	c := p.Confinement
	if c.Syscalls != nil {
		policy := *c.Syscalls
		policy.Conditional = map[string][]string{}
		for name := range c.Syscalls.Conditional {
			policy.Conditional[name] = nil
		}
		c.Syscalls = &policy
	}
	b, err := json.Marshal(c)
	if err != nil {
		panic(fmt.Sprintf("a confinement of strings and numbers cannot be written: %v", err)) // by its types
	}
	return string(p.Role) + " " + string(b)
}

// joinPostures puts the postures of a cell's repetitions together.
func joinPostures(results []*kept) (out []record.Posture) {
	for _, r := range results {
		if measured(r.Status) {
			out = append(out, r.Postures...)
		}
	}
	return out
}

// Unread says whose filters could not be read, and why, each reason once.
func (r *Report) Unread() (out []string) {
	where := map[string][]string{}
	for _, h := range r.Postures() {
		if h.Unread != "" {
			where[h.Unread] = append(where[h.Unread], h.Variant+" "+string(h.Role))
		}
	}
	for _, why := range slices.Sorted(maps.Keys(where)) {
		out = append(out, strings.Join(slices.Compact(where[why]), ", ")+": "+why)
	}
	return out
}

// CapabilitiesInAll is how many capabilities Linux has had since 5.9.
const CapabilitiesInAll = 41

// Tasks says how many there were.
func (h *Held) Tasks() string {
	if h.MinThreads == h.Threads {
		return fmt.Sprint(h.Threads)
	}
	return fmt.Sprintf("%d–%d", h.MinThreads, h.Threads)
}

// SeccompWords says in a few words what seccomp holds the tasks to.
func (h *Held) SeccompWords() string {
	switch h.Seccomp {
	case record.SeccompOff:
		return "off"
	case record.SeccompStrict:
		return "strict"
	}
	return count(h.Filters, "filter")
}

// UserNamespace says whose user namespace the tasks are in.
func (h *Held) UserNamespace() string {
	if slices.Contains(h.Shared, "user") {
		return "host's"
	}
	return "own"
}

// SharedWords lists the kinds of namespaces that are the host's, apart from the user's.
func (h *Held) SharedWords() string {
	kinds := slices.DeleteFunc(slices.Clone(h.Shared), func(kind string) bool { return kind == "user" })
	if len(kinds) == 0 {
		return "none"
	}
	return strings.Join(kinds, " ")
}

// CapabilityWords says how many capabilities a set has, or names few.
func CapabilityWords(set []string) string {
	switch n := len(set); {
	case n == 0:
		return "none"
	case n == CapabilitiesInAll:
		return "all"
	case n <= 2:
		return strings.ToLower(strings.ReplaceAll(strings.Join(set, " "), "CAP_", ""))
	default:
		return fmt.Sprint(n)
	}
}
