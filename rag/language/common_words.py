"""English words that say little about the subject of a question or a sentence."""

from __future__ import annotations

# Words that say nothing about the subject of a question or sentence.
STOPWORDS = frozenset(
    """a about above after again against all also am an and any are as at be because been before being below between
    both but by can could did do does doing down during each few for from further had has have having he her here hers
    him himself his how i if in into is it its itself just let may me might more most much must my no nor not now of
    off on once one only or other our out over own same say says said she should so some such tell than that the their
    them then there these they this those through to too under until up upon us very was we were what when where
    whether which while who whom whose why will with would you your yes please according article articles exactly
    happened happen mentioned mention many get got give many name describe described anyone someone something anything
    ever there's don't doesn't didn't isn't wasn't""".split()
)

# Words with some content that say little by themselves; it does not matter if a sentence lacks them.
SLIGHT = frozenset(
    """able according actual actually add allow already also although another apart apparently appear appeared appears
    apply ask asked asking available away based became become becomes began begin beginning begins begun belong big
    bit born bring bringing brings brought call called case cause caused causes century certain change changed come
    comes coming common consider considered contain course day days describe described did different do doing done
    due each early easily effort end ended ends enough entire eventually ever exact exactly example exist expect
    expected explain fact far feel feels felt field finally find finds first follow following form formed found full
    gave general get gets getting give given gives giving go goes going gone good got great group had happen
    happened happening happens hard held help helped hold holding hour hours hundreds idea important include
    included including involve involved issue item keep keeping kept kind know known large largely last late later
    lead least leave leaves leaving led left less let level like likely list little live lived living long look
    looked made main mainly make makes making many matter mean means meant mention mentioned millions minute minutes
    month months more most mostly move moved much multiple name named need needed needs never new next non number
    occur occurred offer often old one only open order originally other others own part particular particularly
    people percent perform performed person persons place plan planned point possible present prior problem process
    purpose put puts putting question range reach reached real really reason receive received recent recently refer
    referred related remain remained require required requires result resulted right role run said same saw say says
    second see seem seemed seen sense set several show showed shown shows similar since single size small some soon
    sort specific specifically spend start started starts state stated stay step still straight such suffer sum take
    taken takes taking talk talked tell term terms thing things think third thought thousands time times today told
    tomorrow took top total toward towards tried true try trying turn turned two type types typically under undergo
    underwent unit use used uses using usual usually various very view want wanted wants way ways week weeks well
    went whole word words work worked works would year years yesterday""".split()
)
