package unikernel

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hapscope/runtimes/netns"
)

// Fill returns arguments in which {address}, {mask} and {gateway} are those of a
// sandbox's network. Nothing else of them is changed: braces are common in JSON.
func Fill(args []string, n *netns.Namespace) []string {
	r := strings.NewReplacer("{address}", n.Address.String(), "{mask}", strconv.Itoa(n.Bits), "{gateway}", n.Gateway.String())
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = r.Replace(a)
	}
	return out
}

// rumprun reads these keys of objects, and ends on any other (handle_blk and handle_net
// of config.c). All values are texts.
var (
	blkKeys = []string{"source", "path", "fstype", "mountpoint"}
	netKeys = []string{"if", "cloner", "type", "method", "addr", "mask", "gw"}
)

// CheckRumprun says what is wrong with the arguments of a rumprun unikernel: they must
// be one JSON object. It knows the keys net, blk, cmdline and cwd; what else rumprun
// takes is left to it. Keys may stand twice there, as env and blk do.
func CheckRumprun(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%d arguments, want one: the JSON object that rumprun reads", len(args))
	}
	d := json.NewDecoder(strings.NewReader(args[0]))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("the argument is no JSON object: it begins with %.10q", args[0])
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return fmt.Errorf("the argument is no JSON: %w", err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return fmt.Errorf("the argument is no JSON: the value of %v: %w", key, err)
		}
		if err := checkValue(key.(string), value); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("the argument is no JSON: %w", err)
	}
	if rest := strings.TrimSpace(args[0][d.InputOffset():]); rest != "" {
		return fmt.Errorf("behind the JSON object stands %q", rest)
	}
	return nil
}

func checkValue(key string, value json.RawMessage) error {
	switch key {
	case "cmdline", "cwd":
		if err := json.Unmarshal(value, new(string)); err != nil {
			return fmt.Errorf("%s must be a text: %w", key, err)
		}
	case "net":
		return checkObject(key, value, netKeys)
	case "blk":
		return checkObject(key, value, blkKeys)
	}
	return nil
}

func checkObject(key string, value json.RawMessage, known []string) error {
	var object map[string]string
	if err := json.Unmarshal(value, &object); err != nil || bytes.Equal(value, []byte("null")) {
		return fmt.Errorf("%s must be an object of texts, not %s", key, value)
	}
	for k := range object {
		if !slices.Contains(known, k) {
			return fmt.Errorf("%s has the key %q, which rumprun does not know: known are %s", key, k, strings.Join(known, ", "))
		}
	}
	return nil
}
