package wire

import (
	"bytes"
	"testing"
)

// FuzzReadLine lets the other side say anything: what follows a line is never taken.
func FuzzReadLine(f *testing.F) {
	f.Add([]byte(`{"release":"6.12.48+deb13-amd64","uptime":9.5}` + "\nrest"))
	f.Add([]byte(`{"code":-1,"error":"../../x"}` + "\n"))
	f.Add([]byte(`{"command":18446744073709551615,"kind":"control","request":{"args":["a"],"size":{"rows":-1}}}` + "\n"))
	f.Add([]byte("kernel: noise\n{}\n"))
	f.Fuzz(func(t *testing.T, said []byte) {
		for _, v := range []any{new(Hello), new(Exit), new(Header), new(Order)} {
			r := bytes.NewReader(said)
			if err := ReadLine(r, v); err == nil {
				end := bytes.IndexByte(said, '\n')
				if read := len(said) - r.Len(); read != end+1 {
					t.Errorf("%q: %d bytes were taken, the line has %d", said, read, end+1)
				}
			}
		}
	})
}
