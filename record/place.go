package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// At adds to an error that a JSON file gave where that is: the file, and the line where
// it can be told.
func At(name string, content []byte, err error) error {
	if line := lineOf(content, err); line > 0 {
		return fmt.Errorf("%s:%d: %w", name, line, err)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// lineOf is the line that an error of encoding/json is about, from 1; 0 where nobody knows.
func lineOf(content []byte, err error) int {
	offset := int64(-1)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &kind):
		offset = kind.Offset
	default:
		offset = unknownKey(content, err)
	}
	if offset < 0 || offset > int64(len(content)) {
		return 0
	}
	return bytes.Count(content[:offset], []byte("\n")) + 1
}

// unknownKey is where a key stands that the decoder does not know, and of which it says
// only the name; -1 where the name stands in several places.
func unknownKey(content []byte, err error) int64 {
	_, quoted, ok := strings.Cut(err.Error(), "json: unknown field ")
	if !ok {
		return -1
	}
	found := regexp.MustCompile(regexp.QuoteMeta(quoted)+`\s*:`).FindAllIndex(content, 2)
	if len(found) != 1 {
		return -1
	}
	return int64(found[0][0])
}
