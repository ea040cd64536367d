"""Figure 3: which effects of dopamine make the depleted network what it is.

python scripts/figure_3.py                        10,000 neurons, 1 s: minutes on a laptop
python scripts/figure_3.py --seeds 1 2 3          mean of three networks, with what is clear marked
python scripts/figure_3.py --overlay published    80,000 neurons, 100 s: for a cluster
python scripts/figure_3.py --only E_L_GPe STN_to_GPe
"""

from figure_options import effects_of_variants

from network.analysis.oscillations import Band

if __name__ == "__main__":
    # oscillation index of the figure: power in 19 to 21 Hz over that up to 32 Hz
    narrow = Band(low=19.0, high=21.0, n_window=128, drive=20.0)
    effects_of_variants("lindahl2016/dopamine_knockouts", "Dopamine knock-outs", "figure_3", band=narrow, upper=32.0)
