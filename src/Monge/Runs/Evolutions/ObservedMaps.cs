using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;

namespace Monge.Runs;

/// <summary>Where paths given the first so many observations begin, as draws of it are proposed.</summary>
/// <param name="Law">A Gaussian that is near the law of their starts, widened; null for the initial law itself.</param>
/// <param name="LogEvidence">log p(y_1, ..., y_m).</param>
/// <param name="EffectiveShare">The effective sample size of proposed paths as a share of their number.</param>
internal sealed record PathProposal(GaussianBase? Law, double LogEvidence, double EffectiveShare);

/// <summary>Paths through a row of maps, at one time.</summary>
/// <param name="Starts">Their positions at time 0 [n * d].</param>
/// <param name="Positions">Their positions now [n * d].</param>
/// <param name="LogDensity">The log density of the maps' law times the likelihoods on the way [n], not normalised.</param>
/// <param name="LogLikelihood">The sum of the log-likelihoods on the way [n].</param>
/// <param name="Score">The gradient of the log density [n * d]; empty where it isn't asked for.</param>
internal sealed record ObservedPaths(double[] Starts, double[] Positions, double[] LogDensity, double[] LogLikelihood, double[] Score);

/// <summary>
/// A row of maps with observations on the way (arXiv:2106.00736, section 5.4): a path has one place for each start x_0, so given the first m observations it
/// has the density
/// <code>
/// p(x_0 | y_1, ..., y_m) = p_0(x_0) p(y_1 | x_(t_1)) ... p(y_m | x_(t_m)) / Z_m,    x_t = T_t(x_0),                                                      (1)
/// </code>
/// moved by the maps. The more observations, the smaller the part of p_0 that (1) holds: starts are proposed from a Gaussian fitted to (1), observation by
/// observation, with a tenth of p_0 beside it, and weighted by the ratio of both.
/// </summary>
internal sealed class ObservedMaps : IDisposable
{
    private const int FitCount = 8192;
    private const int LeastFits = 2;
    private const int MostFits = 8;
    private const double EnoughShare = 0.5;
    private const double Widening = 1.25;
    private const int InitialPart = 10;
    private const int QuadratureNodes = 2001;
    private const double QuadratureReach = 12;

    // Proposed paths for each that is drawn.
    private const int Candidates = 2;

    // How much wider than others paths are proposed that bring their weights along.
    private const double TailWidening = 1.6;

    private readonly EvolutionProblem _problem;
    private readonly IReadOnlyList<double[]> _maps;
    private readonly List<PathProposal> _proposals;
    private readonly ExecutionOptions _execution;
    private readonly ConvexMaps _map;
    private readonly PointFunction _initial;
    private readonly PointFunction _initialScore;
    private readonly PointFunction[] _likelihoods;
    private readonly PointFunction[] _slopes;
    private readonly int[] _at;

    /// <summary>Makes it of maps, more of which may come.</summary>
    /// <param name="problem">The evolution with its observations.</param>
    /// <param name="network">How the maps' network is built.</param>
    /// <param name="times">The times, those of the observations among them.</param>
    /// <param name="maps">The parameters of each map.</param>
    /// <param name="proposals">What proposals are known; those that are found are added.</param>
    /// <param name="execution">How to execute.</param>
    public ObservedMaps(
        EvolutionProblem problem, ConvexNetworkOptions network, IReadOnlyList<double> times, IReadOnlyList<double[]> maps, List<PathProposal> proposals,
        ExecutionOptions execution)
    {
        (_problem, _maps, _proposals, _execution) = (problem, maps, proposals, execution);
        _at = TimesOf(problem, times);
        var parameters = new ParameterSet();
        _map = new ConvexMaps(parameters, new ConvexNetwork(parameters, new ParameterInitializer(), "psi", problem.Dimension, network), execution);
        PointFunction Compile(Func<Expr, Expr> function) => new((x, _) => function(x), problem.Dimension, execution);
        Func<Expr, Expr> Slope(Func<Expr, Expr> function) => x => Derivative.Gradient(function(x), x);
        (_initial, _initialScore) = (Compile(problem.Initial.LogDensity), Compile(Slope(problem.Initial.LogDensity)));
        _likelihoods = [.. problem.Observations.Take(_at.Length).Select(o => Compile(o.LogLikelihood))];
        _slopes = [.. problem.Observations.Take(_at.Length).Select(o => Compile(Slope(o.LogLikelihood)))];
    }

    /// <summary>The numbers of the times at which something was seen, up to the last time.</summary>
    /// <exception cref="ArgumentException">An observation is at none of the times.</exception>
    public static int[] TimesOf(EvolutionProblem problem, IReadOnlyList<double> times)
    {
        List<int> found = [];
        foreach (var observation in problem.Observations.TakeWhile(o => o.Time <= times[^1]))
        {
            var at = Enumerable.Range(0, times.Count).FirstOrDefault(k => times[k] == observation.Time, -1);
            found.Add(at >= 0 ? at : throw new ArgumentException(
                FormattableString.Invariant($"The observation at t = {observation.Time:g6} is at none of the times of the maps."), nameof(times)));
        }

        return [.. found];
    }

    /// <summary>How many observations have been made at a time.</summary>
    public int Seen(int time) => _at.Count(at => at <= time);

    /// <summary>How paths are proposed after each number of observations, from 0 to that at the last map.</summary>
    public IReadOnlyList<PathProposal> Proposals()
    {
        Find(Seen(_maps.Count));
        return _proposals;
    }

    /// <summary>Independent paths of the initial law, each with its log-likelihood.</summary>
    public ObservedPaths FromInitial(int count, int time, RandomStream random) => Push(_problem.Initial.Sample(count, random), (time, 0), false);

    /// <summary>Paths given all observations up to a time, of equal weight; their log density is normalised.</summary>
    public ObservedPaths Draw(int count, (int Step, double Share) at, RandomStream random, bool scored = false)
    {
        var seen = Seen(at.Step);
        Find(seen);
        if (seen == 0)
        {
            return Push(_problem.Initial.Sample(count, random), at, scored);
        }

        var (starts, logProposal) = Propose(seen, Candidates * count, random);
        var paths = Push(starts, at, false);
        var chosen = Resampling.Systematic(
            [.. ImportanceWeights.FromLogWeights(LogWeights(paths, logProposal)).Normalised], count, random);
        random.Shuffle<int>(chosen);
        var drawn = scored
            ? Push(Rows(starts, chosen, _problem.Dimension), at, true)
            : new ObservedPaths(
                Rows(starts, chosen, _problem.Dimension), Rows(paths.Positions, chosen, _problem.Dimension), Rows(paths.LogDensity, chosen, 1),
                Rows(paths.LogLikelihood, chosen, 1), []);
        var evidence = _proposals[seen].LogEvidence;
        return drawn with { LogDensity = Array.ConvertAll(drawn.LogDensity, log => log - evidence) };
    }

    /// <summary>
    /// Positions of paths given all observations up to a time, at least one, with weights of mean 1: many more of them in the tails than there is mass, so that
    /// what is learned from them is right there too.
    /// </summary>
    public (double[] Positions, double[] Weights) DrawWeighted(int count, int time, RandomStream random)
    {
        var seen = Seen(time);
        Find(seen);
        var (starts, logProposal) = Propose(seen, count, random, TailWidening);
        var paths = Push(starts, (time, 0), false);
        double[] shares = [.. ImportanceWeights.FromLogWeights(LogWeights(paths, logProposal)).Normalised];
        int[] order = [.. Enumerable.Range(0, count)];
        random.Shuffle<int>(order);
        return (Rows(paths.Positions, order, _problem.Dimension), [.. order.Select(i => count * shares[i])]);
    }

    /// <summary>Moves paths by one map, as <see cref="Draw"/> gave them; without what may be seen at its end.</summary>
    public void Move(ObservedPaths paths, int map)
    {
        _maps[map].CopyTo(_map.Values);
        _map.Push(paths.Positions, paths.LogDensity, paths.Score);
    }

    /// <summary>The log density at a time given all observations up to then.</summary>
    public double[] LogDensity(double[] points, (int Step, double Share) at)
    {
        var seen = Seen(at.Step);
        Find(seen);
        double[] positions = [.. points];
        var logs = new double[points.Length / _problem.Dimension];
        if (at.Share > 0)
        {
            Invert(at.Step, at.Share);
        }

        for (var step = at.Step; step >= 0; step--)
        {
            if (Array.IndexOf(_at, step) is >= 0 and var observation)
            {
                Add(logs, _likelihoods[observation].At(positions), -1);
            }

            if (step > 0)
            {
                Invert(step - 1, 1);
            }
        }

        var (initial, evidence) = (_initial.At(positions), _proposals[seen].LogEvidence);
        return [.. initial.Zip(logs, (log, rest) => log - rest - evidence)];

        void Invert(int map, double share)
        {
            _maps[map].CopyTo(_map.Values);
            _map.Invert(positions, logs, share: share);
        }
    }

    private ObservedPaths Push(double[] starts, (int Step, double Share) to, bool scored)
    {
        var paths = new ObservedPaths(
            starts, [.. starts], _initial.At(starts), new double[starts.Length / _problem.Dimension], scored ? _initialScore.At(starts) : []);
        for (var k = 0; k < to.Step; k++)
        {
            Move(paths, k);
            if (Array.IndexOf(_at, k + 1) is >= 0 and var observation)
            {
                var logs = _likelihoods[observation].At(paths.Positions);
                Add(paths.LogDensity, logs, 1);
                Add(paths.LogLikelihood, logs, 1);
                if (scored)
                {
                    Add(paths.Score, _slopes[observation].At(paths.Positions), 1);
                }
            }
        }

        if (to.Share > 0)
        {
            _maps[to.Step].CopyTo(_map.Values);
            _map.Push(paths.Positions, paths.LogDensity, paths.Score, to.Share);
        }

        return paths;
    }

    // One after the other: paths given one observation more are proposed by those given one less, then by their own fit, again until that fits. Always from the
    // same numbers, so that training and reading a file agree.
    private void Find(int seen)
    {
        if (_proposals.Count == 0)
        {
            _proposals.Add(new PathProposal(null, 0, 1));
        }

        for (var m = _proposals.Count; m <= seen; m++)
        {
            var random = new RandomStream((ulong)m, EvolutionStreams.Proposals);
            var proposal = _proposals[m - 1];
            for (var fit = 0; fit < LeastFits || (fit < MostFits && proposal.EffectiveShare < EnoughShare); fit++)
            {
                _proposals.Insert(m, proposal);
                var (starts, logProposal) = Propose(m, FitCount, random);
                var weights = ImportanceWeights.FromLogWeights(LogWeights(Push(starts, (_at[m - 1], 0), false), logProposal));
                _proposals.RemoveAt(m);
                proposal = new PathProposal(Fit(starts, weights) ?? proposal.Law, weights.LogNormaliser, weights.EffectiveSampleFraction);
            }

            _proposals.Add(Quadrature(proposal, m) is { } evidence ? proposal with { LogEvidence = evidence } : proposal);
        }
    }

    private GaussianBase? Fit(double[] starts, ImportanceWeights weights)
    {
        var d = _problem.Dimension;
        double[] shares = [.. weights.Normalised];
        var mean = new double[d];
        for (var i = 0; i < starts.Length; i++)
        {
            mean[i % d] += shares[i / d] * starts[i];
        }

        var covariance = RowMoments.Covariance(starts, d, mean, shares);
        var wide = new double[d, d];
        for (var i = 0; i < covariance.Length; i++)
        {
            wide[i / d, i % d] = Widening * Widening * covariance[i];
        }

        return LowerTriangle.TryFactor(wide) is { } factor ? GaussianBase.Full(mean, factor) : null;
    }

    private (double[] Starts, double[] LogProposal) Propose(int seen, int count, RandomStream random, double widening = 1)
    {
        if (_proposals[seen].Law is not { } law)
        {
            var drawn = _problem.Initial.Sample(count, random);
            return (drawn, _initial.At(drawn));
        }

        var others = Math.Max(1, count / InitialPart);
        var d = _problem.Dimension;
        double[] Widened(double[] rows, double factor) =>
            factor == 1 ? rows : [.. rows.Select((x, i) => law.Mean[i % d] + (factor * (x - law.Mean[i % d])))];
        double[] starts = [.. Widened(law.Sample(count - others, random), widening), .. _problem.Initial.Sample(others, random)];
        var volume = d * Math.Log(widening);
        double[] near = [.. PointFunction.At(law.LogDensity, Widened(starts, 1 / widening), d, _execution).Select(log => log - volume)];
        var (share, wide) = (others / (double)count, _initial.At(starts));
        return (starts, [.. near.Zip(wide, (a, b) =>
        {
            var largest = Math.Max(a, b);
            return largest + Math.Log(((1 - share) * Math.Exp(a - largest)) + (share * Math.Exp(b - largest)));
        })]);
    }

    private double[] LogWeights(ObservedPaths paths, double[] logProposal)
    {
        var initial = _initial.At(paths.Starts);
        return [.. initial.Select((log, i) => log + paths.LogLikelihood[i] - logProposal[i])];
    }

    // On the line (1) is integrated by the trapezoidal rule, which has no noise.
    private double? Quadrature(PathProposal proposal, int seen)
    {
        if (_problem.Dimension > 1 || proposal.Law is not { } law)
        {
            return null;
        }

        var reach = QuadratureReach * law.StandardDeviation[0] / Widening;
        var width = 2 * reach / (QuadratureNodes - 1);
        double[] starts = [.. Enumerable.Range(0, QuadratureNodes).Select(k => law.Mean[0] - reach + (k * width))];
        var paths = Push(starts, (_at[seen - 1], 0), false);
        double[] logs = [.. _initial.At(starts).Zip(paths.LogLikelihood, (log, likelihood) => log + likelihood)];
        var largest = logs.Max();
        return largest + Math.Log(logs.Sum(log => Math.Exp(log - largest)) * width);
    }

    private static void Add(double[] to, double[] values, double factor)
    {
        for (var i = 0; i < to.Length; i++)
        {
            to[i] += factor * values[i];
        }
    }

    private static double[] Rows(double[] values, int[] chosen, int d) => [.. chosen.SelectMany(i => values[(i * d)..((i + 1) * d)])];

    /// <inheritdoc/>
    public void Dispose()
    {
        _map.Dispose();
        _initial.Dispose();
        _initialScore.Dispose();
        foreach (var function in (PointFunction[])[.. _likelihoods, .. _slopes])
        {
            function.Dispose();
        }
    }
}
