import Stress
