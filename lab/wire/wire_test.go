package wire

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
)

func TestReadLine(t *testing.T) {
	r := strings.NewReader(`{"release":"6.12","uptime":9.5}` + "\nwhat follows")
	var h Hello
	if err := ReadLine(r, &h); err != nil || h != (Hello{"6.12", 9.5}) {
		t.Errorf("got %+v, %v", h, err)
	}
	if rest, _ := io.ReadAll(r); string(rest) != "what follows" {
		t.Errorf("%q is left", rest)
	}
	for text, want := range map[string]error{"": io.EOF, "{": io.ErrUnexpectedEOF} {
		if err := ReadLine(strings.NewReader(text), &h); err != want {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
	if err := ReadLine(strings.NewReader("kernel: noise\n"), &h); err == nil || !strings.Contains(err.Error(), "noise") {
		t.Errorf("noise gives %v", err)
	}
}

func TestWriteReadLine(t *testing.T) {
	var b bytes.Buffer
	sent := Header{Command: 3, Kind: Control, Request: &Request{Args: []string{"a\nb", "é"}, TTY: true, Size: Size{24, 80}}}
	if err := Write(&b, sent); err != nil {
		t.Fatal(err)
	}
	var got Header
	if err := ReadLine(&b, &got); err != nil || got.Request.Args[0] != "a\nb" || got.Request.Size.Cols != 80 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestSession(t *testing.T) {
	a, b := net.Pipe()
	host, err := Host(a)
	if err != nil {
		t.Fatal(err)
	}
	guest, err := Guest(b)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		s, err := guest.Accept()
		if err != nil {
			return
		}
		io.Copy(s, s)
		s.Close()
	}()
	s, err := host.Open()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write([]byte("echo")); err != nil {
		t.Fatal(err)
	}
	s.Close() // half: the answer still comes
	if got, err := io.ReadAll(s); string(got) != "echo" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	host.Close()
	if _, err := guest.Accept(); err != io.EOF {
		t.Errorf("the end of the host gives %v, want end of file", err)
	}
}
