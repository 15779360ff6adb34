// Package load sends requests, one at a time on each connection, and stops at
// the first that is not answered as it should be: a cell in which one reply
// was wrong has no number.
package load
