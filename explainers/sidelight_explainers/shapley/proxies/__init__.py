"""Trees learnt from what other explanations asked, as control variates of later ones."""
