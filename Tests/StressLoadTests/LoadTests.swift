import StressLoad
import Testing
