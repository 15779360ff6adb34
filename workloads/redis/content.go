package redis

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// keys is how many different keys are used: enough that a hash table is at
// work, few enough that each is used more than once by 300 requests.
const keys = 100

// key is the key of request i, in the form of redis-benchmark.
func key(i int) string { return fmt.Sprintf("key:%012d", i%keys) }

// value is the value of request i: 64 characters that name the request and
// that no other request has.
func value(i int) string {
	sum := sha256.Sum256([]byte(strconv.Itoa(i)))
	return (fmt.Sprintf("%012d:", i) + hex.EncodeToString(sum[:]))[:64]
}

// request returns the i of which v is the value.
func request(v string) (i int, ok bool) {
	digits, _, _ := strings.Cut(v, ":")
	i, err := strconv.Atoi(digits)
	return i, err == nil && i >= 0 && v == value(i)
}
