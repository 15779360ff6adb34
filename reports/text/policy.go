package text

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"hapscope/analysis"
)

// policy writes what the sandboxes used beside what they may use, and what the kernel
// holds their parts to.
func policy(b *bytes.Buffer, r *analysis.Report) {
	uses := r.Uses()
	if len(uses) == 0 {
		return
	}
	fmt.Fprintf(b, "\nHost system calls used beside those that the sandbox may use, steady state\n%s\n", draw(usesTable(uses)))
	fmt.Fprintf(b, "\nPosture: what the kernel holds each part to\n%s\n", draw(posturesTable(r.Postures())))
}

func usesTable(uses []analysis.Use) table.Writer {
	t := newTable()
	t.AppendHeader(table.Row{"cell", "functions", "used", "allowed", "conditional", "denied", "used ÷ reachable", "front: reachable"})
	for _, u := range uses {
		front := "the same"
		if u.Front != nil {
			front = atLeast(u.Front.Reachable(), u.Front.Least)
		}
		t.AppendRow(table.Row{u.Cell.String(), median(u.Functions), median(u.Used), atLeast(u.All.Allowed, u.All.Least), atLeast(u.All.Conditional, u.All.Least),
			atMost(u.All.Denied, u.All.Least), u.RatioWords(), front})
	}
	return t
}

func median(s *analysis.Summary) string {
	if s == nil {
		return "not measured"
	}
	return fmt.Sprintf("%g", s.Median)
}

func atLeast(n int, least bool) string {
	if least {
		return fmt.Sprintf("≥ %d", n)
	}
	return fmt.Sprint(n)
}

func atMost(n int, most bool) string {
	if most {
		return fmt.Sprintf("≤ %d", n)
	}
	return fmt.Sprint(n)
}

func posturesTable(held []analysis.Held) table.Writer {
	t := newTable()
	t.AppendHeader(table.Row{"variant", "part", "tasks", "seccomp", "allowed", "conditional", "uid", "capabilities", "no_new_privs", "label", "host's namespaces"})
	for _, h := range held {
		part := string(h.Role)
		if h.Workloads != nil {
			part += " (" + strings.Join(h.Workloads, ", ") + ")"
		}
		row := table.Row{h.Variant, part, h.Tasks(), h.SeccompWords(), "unread", ""}
		if p := h.Syscalls; p != nil {
			row = append(row[:4], len(p.Allowed), len(p.Conditional))
		}
		label := h.LSM
		if label == "" {
			label = "none"
		}
		t.AppendRow(append(row, fmt.Sprintf("%d (%s)", h.UID, h.UserNamespace()),
			analysis.CapabilityWords(h.Effective)+" of "+analysis.CapabilityWords(h.Bounding),
			map[bool]string{true: "yes", false: "no"}[h.NoNewPrivs], label, h.SharedWords()))
	}
	return t
}
