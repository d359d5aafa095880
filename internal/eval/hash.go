package eval

import (
	"crypto/sha1" // fixed by the bucketing contract; nothing is kept secret by it
	"encoding/binary"
)

// hashScale is 2⁻⁶⁰. The contract divides by 0xFFFFFFFFFFFFFFF, which as a
// binary64 is exactly 2⁶⁰ (2.1), so that multiplying loses nothing.
const hashScale = 1.0 / (1 << 60)

// Hash01 draws a number from 0 to 1, both included, from the SHA-1 of prefix,
// identifier and salt written one after the other (2.1). Equal arguments draw
// equal numbers for ever: users stay in their buckets because of it. Nothing is
// folded, trimmed or normalised.
func Hash01(prefix, identifier, salt string) float64 { return hash01(prefix, identifier, salt) }

// hash01 is Hash01. It does not allocate for inputs of up to hashLong bytes.
func hash01(prefix, identifier, salt string) float64 {
	if len(prefix)+len(identifier)+len(salt) > hashShort {
		return hash01Long(prefix, identifier, salt)
	}
	var buf [hashShort]byte
	return hashBytes(concat(buf[:0], prefix, identifier, salt))
}

// Sizes of the stack buffers, in bytes. hashShort holds what occurs in
// practice. hashLong holds the longest flag key or seed (400 characters) with
// the longest distinct id (200 characters); only a longer group key goes beyond.
const (
	hashShort = 192
	hashLong  = 2560
)

//go:noinline // its buffer must not burden the stack frame of hash01
func hash01Long(prefix, identifier, salt string) float64 {
	var buf [hashLong]byte
	return hashBytes(concat(buf[:0], prefix, identifier, salt))
}

func concat(b []byte, prefix, identifier, salt string) []byte {
	return append(append(append(b, prefix...), identifier...), salt...)
}

// hashBytes takes the first 60 bits of the digest as a number.
func hashBytes(b []byte) float64 {
	sum := sha1.Sum(b)
	return float64(binary.BigEndian.Uint64(sum[:8])>>4) * hashScale
}

// inRollout reports whether a subject with this hash is among percentage
// percent (2.5.1): inclusive, and everybody at exactly 100. Callers need not
// hash at 100.
func inRollout(hash, percentage float64) bool {
	return percentage == 100 || hash <= percentage/100
}

// variantBoundaries sums up weights, in percent, to the upper bounds that
// pickVariant walks: left to right in binary64 (2.5.2).
func variantBoundaries(weights []float64) []float64 {
	bounds := make([]float64, len(weights))
	sum := 0.0
	for i, w := range weights {
		sum += w / 100
		bounds[i] = sum
	}
	return bounds
}

// pickVariant returns the index of the first bound above hash, -1 if there is
// none. A variant without weight has the bound of its predecessor and is never
// picked.
func pickVariant(hash float64, bounds []float64) int {
	for i, b := range bounds {
		if hash < b {
			return i
		}
	}
	return -1
}
