package eval

// InRollout reports whether a subject with this hash is among percentage
// percent (2.5.1). It is for checks and tests; decisions use a Program.
func InRollout(hash, percentage float64) bool { return inRollout(hash, percentage) }

// PickVariant returns the index of the variant that a subject with this hash
// gets of variants with these weights in percent, -1 for none (2.5.2). It is
// for checks and tests; decisions use a Program.
func PickVariant(hash float64, weights []float64) int {
	return pickVariant(hash, variantBoundaries(weights))
}
