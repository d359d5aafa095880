package filters

// ValidVersion lets tests compare the grammar of versions with the vectors.
var ValidVersion = validVersion
