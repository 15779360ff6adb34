// Package bundle makes OCI bundles: a directory with config.json and a
// writable root file system that lies over the image, which stays as it is.
//
// The configuration is the one that Docker gives a container by default, taken
// from its sources (package oci of moby), because that is what most people
// deploy. Deliberate differences: see Spec.
package bundle
