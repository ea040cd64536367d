"""Figure 7: lesions and recovery of the depleted network.

python scripts/figure_7.py                        10,000 neurons, 1 s: minutes on a laptop
python scripts/figure_7.py --overlay published    80,000 neurons, 100 s: for a cluster
python scripts/figure_7.py --only lesion_STN_to_SNr strong_GPe_TI_to_STN
"""

from figure_options import effects_of_variants

if __name__ == "__main__":
    # oscillation index of the figure: power in 15 to 25 Hz over that up to 1.6 times the frequency of the peak
    effects_of_variants("lindahl2016/lesions_recovery", "Lesions and recovery", "figure_7")
