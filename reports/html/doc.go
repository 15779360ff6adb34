// Package html writes a report as one file that needs nothing else: no network,
// no script, no font. It answers in the order in which one asks: who made the
// host run least, how sure is that, what is not in the numbers, what lies behind
// them, and how would one get them again.
package html
