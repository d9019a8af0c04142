"""Event patterns: the matching language that EventBridge, SNS's filter policies and Lambda's event filters share.

EventBridge User Guide, "Comparison operators for use in event patterns". A pattern's leaves are arrays of which one
entry has to match; where an event has an array, one of its elements has to.
"""

from scones.cloud.services.patterns.checking import OR, PatternError, check_pattern, is_alternatives
from scones.cloud.services.patterns.matching import Pattern, read_pattern

__all__ = ["OR", "Pattern", "PatternError", "check_pattern", "is_alternatives", "read_pattern"]
