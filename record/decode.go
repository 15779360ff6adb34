package record

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// errNotPlain says that a list of hits is not in the form in which they are written.
var errNotPlain = errors.New("not the form in which hits are written")

// resultDecoder reads lines of results. Hits are most of a record, up to thousands a
// line: encoding/json spends a microsecond on each, which makes minutes of a long run.
type resultDecoder struct{ options json.Options }

func newResultDecoder() resultDecoder {
	return resultDecoder{json.JoinOptions(json.RejectUnknownMembers(true), json.WithUnmarshalers(json.UnmarshalFromFunc(readHits)))}
}

// decode reads a line strictly. What the fast way does not take, encoding/json is asked
// about: it has the last word, and the words of the error.
func (d resultDecoder) decode(line []byte) (r Result, err error) {
	if err := json.Unmarshal(line, &r, d.options); err == nil {
		return r, nil
	}
	r = Result{}
	return r, strict(line, &r)
}

// readHits reads a list of hits in one go.
func readHits(d *jsontext.Decoder, hits *[]Hit) error {
	value, err := d.ReadValue()
	if err != nil {
		return err
	}
	*hits, err = parseHits(value)
	return err
}

// parseHits takes hits as they are written: [[function,count],…], without blanks.
func parseHits(b []byte) ([]Hit, error) {
	if string(b) == "[]" {
		return []Hit{}, nil
	}
	// Every hit has one comma within and all but one have one behind.
	out := make([]Hit, 0, (bytes.Count(b, []byte(","))+1)/2)
	for i := 1; ; i++ {
		if i >= len(b) || b[i] != '[' {
			return nil, errNotPlain
		}
		function, next, ok := parseNumber(b, i+1, ',')
		if !ok || function > 1<<31 {
			return nil, errNotPlain
		}
		count, next, ok := parseNumber(b, next, ']')
		if !ok || next >= len(b) {
			return nil, errNotPlain
		}
		out = append(out, Hit{int(function), count})
		switch i = next; {
		case b[i] == ',':
		case b[i] == ']' && i == len(b)-1:
			return out, nil
		default:
			return nil, errNotPlain
		}
	}
}

// parseNumber reads digits up to the end that is expected, and says where what follows
// that begins.
func parseNumber(b []byte, at int, end byte) (n uint64, next int, ok bool) {
	const most = 19 // digits that always fit in
	for i := at; i < len(b) && i <= at+most; i++ {
		switch c := b[i]; {
		case c == end:
			return n, i + 1, i > at
		case c < '0' || c > '9':
			return 0, 0, false
		default:
			n = 10*n + uint64(c-'0')
		}
	}
	return 0, 0, false
}
