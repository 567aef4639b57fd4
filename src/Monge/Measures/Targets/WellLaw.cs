using Monge.Engine.Random;

namespace Monge.Measures.Targets;

/// <summary>
/// A one-dimensional law exp(f(x)) with two wells: normaliser and moments by quadrature, exact draws by rejection from a mixture of two Gaussians.
/// </summary>
internal sealed class WellLaw
{
    private const double Reach = 8;
    private readonly Func<double, double> _log;
    private readonly double _well;
    private readonly double _width;
    private readonly double _bound;

    /// <summary>Tabulates a law that has vanished beyond 8 and has its wells near plus and minus a point.</summary>
    /// <param name="log">The unnormalised log density f.</param>
    /// <param name="well">Where the right well is, roughly.</param>
    /// <param name="width">The standard deviation of the proposals around the wells; wide enough that the ratio of the densities stays bounded.</param>
    public WellLaw(Func<double, double> log, double well, double width)
    {
        (_log, _well, _width) = (log, well, width);
        var z = Quadrature.Line(x => Math.Exp(log(x)), -Reach, Reach);
        LogZ = Math.Log(z);
        Negative = Quadrature.Segment(x => Math.Exp(log(x)), -Reach, 0) / z;
        Mean = Quadrature.Line(x => x * Math.Exp(log(x)), -Reach, Reach) / z;
        StandardDeviation = Math.Sqrt(Quadrature.Line(x => (x - Mean) * (x - Mean) * Math.Exp(log(x)), -Reach, Reach) / z);
        _bound = double.NegativeInfinity;
        for (var i = -8000; i <= 8000; i++)
        {
            _bound = Math.Max(_bound, log(i * Reach / 8000) - LogProposal(i * Reach / 8000));
        }

        // The grid is fine enough that the largest ratio between its points is well inside one per cent.
        _bound += 0.01;
    }

    public double LogZ { get; }

    /// <summary>The mass below 0.</summary>
    public double Negative { get; }

    public double Mean { get; }

    public double StandardDeviation { get; }

    /// <summary>The well (top of the density) on one side.</summary>
    public double Top(bool positive)
    {
        var (low, high) = positive ? (0.1, 4.0) : (-4.0, -0.1);
        while (high - low > 1e-12)
        {
            var (a, b) = (low + ((high - low) / 3), high - ((high - low) / 3));
            (low, high) = _log(a) < _log(b) ? (a, high) : (low, b);
        }

        return 0.5 * (low + high);
    }

    public double Draw(RandomStream random)
    {
        while (true)
        {
            var x = (random.NextDouble() < Negative ? -_well : _well) + (_width * random.NextNormal());
            if (-random.NextExponential() < _log(x) - LogProposal(x) - _bound)
            {
                return x;
            }
        }
    }

    // The density of the proposals up to the factor 1 / (width sqrt(2 pi)).
    private double LogProposal(double x)
    {
        var left = Math.Log(Negative) - (0.5 * (x + _well) * (x + _well) / (_width * _width));
        var right = Math.Log(1 - Negative) - (0.5 * (x - _well) * (x - _well) / (_width * _width));
        var top = Math.Max(left, right);
        return top + Math.Log(Math.Exp(left - top) + Math.Exp(right - top));
    }
}
