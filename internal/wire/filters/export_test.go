package filters

// The grammars of versions and dates, for comparison with the evaluator's.
var (
	ValidVersion = validVersion
	ValidDate    = validDate
)
