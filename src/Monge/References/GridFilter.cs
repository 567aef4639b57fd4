using Monge.Fields;
using Monge.Measures;

namespace Monge.References;

/// <summary>
/// The law of a diffusion on the line given observations, on a grid: finite volumes carry it from one to the next, where it is multiplied by the likelihood. It
/// converges to the exact filter of order 2 in the width of the cells and the steps.
/// </summary>
/// <param name="Law">The law at the last time, given the observations up to then.</param>
/// <param name="Filtered">The law right after each observation.</param>
/// <param name="LogEvidence">log p(y_1, ..., y_m) of them.</param>
public sealed record GridFilter(LineDensity Law, IReadOnlyList<LineDensity> Filtered, double LogEvidence)
{
    /// <summary>Filters.</summary>
    /// <param name="problem">An evolution on the line that descends a potential with a temperature above 0.</param>
    /// <param name="axis">The cells, wide enough for nearly all mass.</param>
    /// <param name="until">The last time, above 0.</param>
    /// <param name="step">The length of a step, above 0; between two observations steps are equal and at most this long.</param>
    /// <param name="options">How the solver works.</param>
    /// <exception cref="ArgumentException">The evolution is not on the line, or no descent of a potential.</exception>
    /// <exception cref="ArithmeticException">The likelihood of an observation is 0 wherever the law has mass.</exception>
    public static GridFilter Run(EvolutionProblem problem, CellAxis axis, double until, double step, FiniteVolumeOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(axis);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(until);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(step);
        problem.Check();
        if (problem.Dimension != 1 || problem.Energy is not { Interaction: null, PorousFactor: 0, Temperature: > 0 and var temperature } energy
            || problem.NoGradientFlow() is not null)
        {
            throw new ArgumentException(
                $"'{problem.Name}' is not a diffusion on the line down a potential at a temperature above 0, which this grid is for.", nameof(problem));
        }

        var potential = energy.Potential ?? (_ => 0);
        using var compiled = new PointFunction((x, _) => potential(x), 1);
        using var solver = new FiniteVolumeLine(axis, (IVectorField?)null, temperature, x => compiled.At([x])[0], options);
        double[] centres = axis.Centres();
        var initial = PointFunction.At(problem.Initial.LogDensity, centres, 1);
        var (law, at, evidence) = (new LineDensity(axis), 0.0, 0.0);
        Array.ConvertAll(initial, Math.Exp).CopyTo(law.Values, 0);
        law.Normalise();
        List<LineDensity> filtered = [];
        void Move(double to)
        {
            if (to > at)
            {
                solver.Advance(law, at, to, Math.Max(1, (int)Math.Ceiling(((to - at) / step) - 0.01)));
                at = to;
            }
        }

        foreach (var observation in problem.Observations.TakeWhile(o => o.Time <= until))
        {
            Move(observation.Time);
            var logs = PointFunction.At(observation.LogLikelihood, centres, 1);
            var largest = logs.Max();
            for (var i = 0; i < logs.Length; i++)
            {
                law.Values[i] *= Math.Exp(logs[i] - largest);
            }

            evidence += largest + Math.Log(law.Normalise());
            filtered.Add(law.Copy());
        }

        Move(until);
        return new GridFilter(law, filtered, evidence);
    }
}
