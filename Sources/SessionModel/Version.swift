/// The version every program of this release tells.
public let maxwellVersion = "0.1.0"
