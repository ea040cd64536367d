"""Figure 3: which effects of dopamine make the depleted network what it is.

python scripts/figure_3.py                        10,000 neurons, 1 s: minutes on a laptop
python scripts/figure_3.py --overlay published    80,000 neurons, 100 s: for a cluster
python scripts/figure_3.py --only E_L_GPe STN_to_GPe
"""

from figure_options import effects_of_variants

if __name__ == "__main__":
    effects_of_variants("lindahl2016/dopamine_knockouts", "Dopamine knock-outs", "figure_3", upper=32.0)
