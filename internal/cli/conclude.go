package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"hapscope/analysis"
	"hapscope/record"
	"hapscope/reports/plot"
)

// conclude writes the reports of what there is, with what g says of it where a check was
// asked for, and decides the exit code.
func (a *app) conclude(dir string, targets []output, g *gate, runErr error) error {
	rec, report, err := a.study(dir, "")
	if err != nil {
		return errors.Join(runErr, err)
	}
	done, planned := report.Finished(), len(rec.Run.Plan.Steps)
	if t := rec.Run.Plan.Timing; t != nil {
		planned += len(t.Steps)
	}
	resume := fmt.Sprintf("`hapscope run --resume %s` goes on", dir)
	if errors.Is(runErr, context.Canceled) {
		runErr = interrupted{}
	}
	if done == 0 {
		if runErr == nil {
			runErr = errors.New("nothing was measured")
		}
		return a.ended(runErr, resume)
	}
	var unchecked error
	if g != nil {
		unchecked = g.judge(report)
	}
	files := []output{{format: "html", path: "report.html"}, {format: "csv", path: "results.csv"}}
	for _, o := range append(files, figureFiles(report)...) {
		targets = append(targets, output{o.format, filepath.Join(dir, o.path), true})
	}
	if err := a.render(report, targets); runErr != nil && err != nil {
		return a.ended(errors.Join(runErr, err), resume)
	} else if err != nil {
		return err
	}
	fmt.Fprintf(a.progress(), "\nreport   %s\nfigures  %s\nrecord   %s\n", filepath.Join(dir, "report.html"), filepath.Join(dir, "*.png"), dir)

	if runErr != nil {
		return a.ended(fmt.Errorf("%d of %d repetitions are done; %w", done, planned, runErr), resume)
	}
	switch failed := violation(report.Check); {
	case unchecked != nil:
		return unchecked
	case failed != nil:
		return failed
	}
	return incomplete(rec, report)
}

// figureFiles are the figures for which a record has numbers; the first one also in a form
// that does not blur.
func figureFiles(r *analysis.Report) (files []output) {
	for _, f := range plot.Of(r) {
		format := f.Name + "-png"
		if f.Name == plot.Figures()[0].Name {
			format = "png"
			files = append(files, output{format: "svg", path: f.Name + ".svg"})
		}
		files = append(files, output{format: format, path: f.Name + ".png"})
	}
	return files
}

// ended gives the error of a run that stopped early its exit code and hint.
func (a *app) ended(err error, resume string) error {
	var coded *codedError
	switch {
	case errors.Is(err, context.Canceled):
		return &codedError{code: exitInterrupted, err: err, hint: resume}
	case errors.As(err, &coded) && coded.code == exitIncomplete:
		return &codedError{code: exitIncomplete, err: fault{err}, hint: resume}
	case exitCode(err) == exitError && hintOf(err) == "":
		return &codedError{code: exitError, err: err, hint: resume}
	}
	return err
}

// incomplete is the error of a finished run in which not every cell has a number
// that can be trusted.
func incomplete(rec *record.Record, r *analysis.Report) error {
	count := map[record.Status]int{}
	for _, c := range r.Cells {
		for status, n := range c.Counts {
			count[status] += n
		}
	}
	total := len(rec.Run.Plan.Steps)
	for _, t := range rec.Timings {
		count[t.Status]++
	}
	if t := rec.Run.Plan.Timing; t != nil {
		total += len(t.Steps)
		count[analysis.Missing] += len(t.Steps) - len(rec.Timings)
	}
	var parts []string
	for _, s := range []record.Status{record.Degraded, record.Failed, record.Skipped, analysis.Missing} {
		if count[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[s], s))
		}
	}
	if len(parts) == 0 {
		return nil
	}
	err := fmt.Errorf("incomplete: of %d repetitions, %s", total, strings.Join(parts, ", "))
	if count[record.Failed] > 0 {
		err = fault{err}
	}
	return incompleteError(err, "the reasons stand in the report, below the table")
}
