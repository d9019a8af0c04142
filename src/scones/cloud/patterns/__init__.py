"""Event patterns: the matching language that EventBridge, SNS's filter policies and Lambda's event filters share.

EventBridge User Guide, "Comparison operators for use in event patterns". A leaf of a pattern is an array; at least one
of its entries has to match. If the event's field is an array, at least one of its elements has to match.

Patterns and events are JSON of any form, with the type `Any`: `check_pattern` checks a pattern before it is used.
"""

from scones.cloud.patterns.checking import OR, PatternError, check_pattern, is_alternatives
from scones.cloud.patterns.complexity import too_complex
from scones.cloud.patterns.matching import Pattern, read_pattern

__all__ = ["OR", "Pattern", "PatternError", "check_pattern", "is_alternatives", "read_pattern", "too_complex"]
