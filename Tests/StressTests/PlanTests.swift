import Stress
import Testing
