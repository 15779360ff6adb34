package html

import (
	"hapscope/analysis"
	"hapscope/record"
	"hapscope/reports/plot"
)

// layers is the host code by what made the host run it.
type layers struct {
	Figure      *figure
	Contexts    []record.Context // columns
	Rows        []layersRow
	Ratios      []analysis.Ratio
	Conclusions []string
	Published   []analysis.PublishedRatio
}

// layersRow is one cell.
type layersRow struct {
	analysis.Layers
	Columns []*analysis.Layer // nil where the layer did nothing
}

func newLayers(r *analysis.Report) (*layers, error) {
	all := r.LayersOf()
	if len(all) == 0 {
		return nil, nil
	}
	out := &layers{Ratios: r.VMRatios(), Published: analysis.PublishedRatios()}
	out.Conclusions = analysis.Conclusions(out.Ratios)
	var err error
	if out.Figure, err = drawFigure(r, "layers", "Host code per layer, steady state", describeLayers(all), plot.Options{Layers: true}); err != nil {
		return nil, err
	}
	out.Contexts = analysis.LayerContexts(all)
	for _, l := range all {
		row := layersRow{Layers: l}
		for _, c := range out.Contexts {
			row.Columns = append(row.Columns, l.Layer(c))
		}
		out.Rows = append(out.Rows, row)
	}
	return out, nil
}
