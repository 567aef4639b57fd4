using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;
using Monge.Objectives;
using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>
/// Particles that move by the score that is fitted to them: a step is one in time, with all of its optimiser's. Batches run through the particles in their
/// order, which are independent draws; positions, the scores kept and the optimiser's state are all there is to save.
/// </summary>
internal sealed class SbtmTraining : IIterative, IDisposable
{
    private readonly EvolutionProblem _problem;
    private readonly SbtmOptions _options;
    private readonly IReadOnlyList<double> _times;
    private readonly ulong _seed;
    private readonly ParameterSet _parameters = new();
    private readonly GradientStep<float> _step;
    private readonly CompiledProgram<double>? _heldOut;
    private readonly ScoreFlow _flow;
    private readonly KeptScore[] _kept;
    private readonly ScoreFlow.Particles _at;
    private readonly ScoreFlow.Particles _predicted;
    private readonly ScoreFlow.Particles _ended;
    private readonly ScoreFlow.Particles _first;
    private readonly ScoreFlow.Particles _second;
    private readonly DiffusionParticles? _diffusion;
    private readonly SbtmMemory[] _memory;
    private readonly double[] _learned;
    private int _taken;

    public SbtmTraining(EvolutionProblem problem, SbtmOptions options, IReadOnlyList<double> times, Run run)
    {
        (_problem, _options, _times, _seed, Iterations) = (problem, options, times, run.Seed, options.Iterations!.Value);
        var (d, initializer) = (problem.Dimension, new ParameterInitializer());
        Score = options.Network(problem.ParticleDimension);
        Network = new ScoreNetwork(_parameters, initializer, "score", d, Score);
        _step = Compile(run);
        _heldOut = options.Trained < options.Particles ? CompileHeldOut(run) : null;
        _flow = new ScoreFlow(problem, Score, IsCarried ? ScoreFlow.Follows.Score : ScoreFlow.Follows.Positions, run.Execution);
        _kept = KeptScore.Room(times.Count, _parameters.Count, d, Score);
        _memory = options.TimeDependent ? [.. times.Select(_ => new SbtmMemory(options.Remembered * d, IsCarried))] : [];
        var positions = InitialParticles(problem, options, Score.ParticleDimension, run);
        _diffusion = options.LearnOn == SbtmSamples.Diffusion
            ? new DiffusionParticles(problem, positions, EvolutionMethodStreams.Diffusion, run.Seed, run.Execution) : null;
        _at = IsCarried
            ? new ScoreFlow.Particles(
                positions, PointFunction.At(problem.Initial.LogDensity, positions, d, run.Execution),
                PointFunction.At(x => Derivative.Gradient(problem.Initial.LogDensity(x), x), positions, d, run.Execution))
            : new ScoreFlow.Particles(positions, [], []);
        (_predicted, _ended, _first, _second) = (_at.Like(), _at.Like(), _at.Like(), _at.Like());
        _learned = new double[positions.Length];
        State = _step.Init(initializer, new RandomKey(run.Seed, TrainingStreams.Parameters));
        Keep(0);
        _kept[0].TakeMoments(_at.Positions, 0, Score.ParticleDimension);
    }

    /// <summary>The score of each time.</summary>
    public IReadOnlyList<KeptScore> Kept => _kept;

    /// <summary>How the scores' network is built.</summary>
    public ScoreNetworkOptions Score { get; }

    /// <summary>The most optimiser steps after each time step.</summary>
    public int Iterations { get; set; }

    /// <summary>The network's parameters, declared.</summary>
    public ParameterSet Parameters => _parameters;

    /// <summary>The network.</summary>
    public ScoreNetwork Network { get; }

    /// <summary>Parameters and what their optimiser remembers.</summary>
    public OptimiserState<float> State { get; private set; }

    /// <summary>
    /// The metric scores are fitted in: the diffusion's. A carried score has all of its coordinates, also those that a degenerate diffusion doesn't see, as
    /// they feed each other along the flow.
    /// </summary>
    public ImplicitScoreMatching Metric => new(IsCarried && !_problem.Diffusion.IsElliptic
        ? EvolutionDiffusion.Isotropic(_problem.Dimension, _problem.Diffusion.Matrix.Max(Math.Abs)) : _problem.Diffusion);

    private bool IsCarried => _options.Loss == SbtmLoss.Carried;

    /// <summary>Where the particles are [n * d].</summary>
    public double[] Positions => _at.Positions;

    /// <inheritdoc/>
    public void Init()
    {
        // The initial fit leaves its parameters, but its gradients were of another loss.
        var fitted = State.Average;
        State = _step.NewState();
        fitted.Span.CopyTo(State.Parameters.Span);
        State.BeginAverage();
        Keep(0);
        KeepMoments(_kept[0], _at.Positions, 0);
        Remember(0);
    }

    /// <inheritdoc/>
    public StepInfo Step(long iteration, long total)
    {
        var k = (int)iteration;
        var (from, to) = (_times[k], _times[k + 1]);
        var next = _kept[k + 1];
        _kept[k].Drive(_flow);
        Rates(_at, from, _first);
        _predicted.Set(_at, to - from, _first, 0, _first);
        CheckFinite(_predicted, to);
        _diffusion?.Step(from, to, k);
        ReadOnlySpan<double> examples = _diffusion is null ? _predicted.Positions : _diffusion.Positions;
        next.TakeMoments(examples, to, Score.ParticleDimension);
        next.TakeAffine(_kept[k]);
        var info = Fit(next, examples, to);
        Shrink(next, examples, to);
        Keep(k + 1);
        KeepMoments(next, examples, to);
        if (_options.Stepper == SbtmStepper.Heun)
        {
            MoveOn(next);
            if (_diffusion is null)
            {
                // The score that is kept goes by where the particles end, and they by it: else whoever follows it later would part from them. With a carried
                // score, where each rate costs far more, that made no difference.
                next.TakeMoments(_ended.Positions, to, Score.ParticleDimension);
                if (!IsCarried)
                {
                    KeepMoments(next, _ended.Positions, to);
                    MoveOn(next);
                }
            }

            _at.Set(_ended, 0, _first, 0, _first);
        }
        else
        {
            _at.Set(_predicted, 0, _first, 0, _first);
        }

        _taken = k + 1;
        Remember(_taken);
        return info;

        void MoveOn(KeptScore score)
        {
            score.Drive(_flow);
            Rates(_predicted, to, _second);
            _ended.Set(_at, 0.5 * (to - from), _first, 0.5 * (to - from), _second);
            CheckFinite(_ended, to);
        }
    }

    /// <summary>Takes the optimiser's step of a number and leaves no trace of it, to measure how long it takes.</summary>
    public void Try(int number)
    {
        var scratch = _step.NewState();
        State.Parameters.Span.CopyTo(scratch.Parameters.Span);
        scratch.BeginAverage();
        Fill(_kept[0], number, _at.Positions, _at.Scores, 0);
        _ = _step.Run(scratch, 0, 1, new DrawKey(_seed, (ulong)number));
    }

    /// <summary>Evaluates the rates of all particles, to measure how long it takes; gives which share that is of moving them.</summary>
    public double TryMove()
    {
        _kept[0].Drive(_flow);
        Rates(_at, 0, _first);
        return _options.Stepper == SbtmStepper.Euler ? 1 : IsCarried ? 0.5 : 0.25;
    }

    /// <summary>An optimiser step of the network of all times on particles of one of them, when the last is reached.</summary>
    public StepInfo Replay(long iteration, long total)
    {
        var number = State.Steps;
        FillPast(number);
        var info = _step.Run(State, iteration, total, new DrawKey(_seed, (ulong)number));
        Keep(0);
        return info;
    }

    /// <summary>Puts the moments of all times right for the network as it is in the end.</summary>
    public void EndReplay()
    {
        for (var k = 0; k < _memory.Length; k++)
        {
            KeepMoments(_kept[k], _memory[k].Positions, _times[k]);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<Figure> Validate() => [new Figure("time", "t", _times[_taken]), new Figure("stein", "Stein's identity off by", SteinError(), true)];

    /// <inheritdoc/>
    public void Exchange(RunState state)
    {
        state.Exchange("taken", ref _taken);
        state.Exchange<double>("positions", _at.Positions, _options.Particles, _problem.Dimension);
        if (IsCarried)
        {
            state.Exchange<double>("logs", _at.Logs, _options.Particles);
            state.Exchange<double>("scores", _at.Scores, _options.Particles, _problem.Dimension);
        }

        if (_diffusion is not null)
        {
            state.Exchange<double>("diffusion", _diffusion.Positions, _options.Particles, _problem.Dimension);
        }

        for (var k = 0; k <= _taken; k++)
        {
            _kept[k].Exchange(state, k, k == 0 || !_options.TimeDependent);
            if (_options.TimeDependent)
            {
                _memory[k].Exchange(state, k);
            }
        }

        state.Exchange(State);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _step.Dispose();
        _heldOut?.Dispose();
        _flow.Dispose();
        _diffusion?.Dispose();
    }

    /// <summary>Keeps the parameters' average for a time.</summary>
    public void Keep(int time) => State.Average.Span.CopyTo(_kept[time].Parameters);

    /// <summary>The learned score of a time at points [n * d].</summary>
    public void Scores(int time, ReadOnlySpan<double> points, Span<double> scores)
    {
        _kept[time].Drive(_flow);
        _flow.Scores(points, _times[time], scores);
    }

    /// <summary>Puts the batch of a number and the moments of a score into a program.</summary>
    public void Fill(CompiledProgram<float> program, KeptScore score, long batch, ReadOnlySpan<double> rows, double time, string name = "x")
    {
        var d = _problem.Dimension;
        var count = Math.Min(_options.Trained, rows.Length / d);
        var first = batch * _options.BatchSize % count;
        var x = program[name].Span;
        for (var i = 0; i < _options.BatchSize; i++)
        {
            var row = (int)((first + i) % count) * d;
            for (var j = 0; j < d; j++)
            {
                x[(i * d) + j] = (float)rows[row + j];
            }
        }

        foreach (var (given, values) in Given(score))
        {
            var span = program[given].Span;
            for (var i = 0; i < values.Length; i++)
            {
                span[i] = (float)values[i];
            }
        }

        if (program.Uses("t"))
        {
            program["t"][0] = (float)time;
        }
    }

    // What a score goes by, where its network has such a part.
    private IEnumerable<(string Name, double[] Values)> Given(KeptScore score)
    {
        yield return ("mean", score.Mean);
        yield return ("whitener", score.Whitener);
        if (Score.HasAffinePart)
        {
            yield return ("offset", score.Offset);
            yield return ("slope", score.Slope);
        }
    }

    // The rates of the particles. A carried score is drawn to the learned one: what no network can learn, detail that the flow winds up ever more finely and
    // noise would wipe out, fades, while all that was learned stays as it is.
    private void Rates(ScoreFlow.Particles at, double time, ScoreFlow.Particles rates)
    {
        _flow.Rates(at, time, rates, IsCarried ? _learned : null);
        for (var i = 0; i < rates.Scores.Length; i++)
        {
            rates.Scores[i] -= _options.Relaxation * (at.Scores[i] - _learned[i]);
        }
    }

    // Optimiser steps from where those of the time before ended.
    private StepInfo Fit(KeptScore score, ReadOnlySpan<double> examples, double time)
    {
        var info = default(StepInfo);
        for (var i = 0; i < Iterations; i++)
        {
            var number = State.Steps;
            if (_options.TimeDependent && i % 2 == 1)
            {
                FillPast(number);
            }
            else
            {
                Fill(score, number, examples, _predicted.Scores, time);
            }

            info = _step.Run(State, i, Iterations, new DrawKey(_seed, (ulong)number));
            if (!double.IsFinite(info.Loss!.Value))
            {
                throw Lost(Farthest(_predicted.Positions, score.Mean), time);
            }

            if (!(info.GradientNorm!.Value > _options.GradientTolerance * Math.Sqrt(_parameters.Count)) || !double.IsFinite(info.GradientNorm.Value))
            {
                break;
            }
        }

        return info;
    }

    private void Fill(KeptScore score, long number, ReadOnlySpan<double> examples, ReadOnlySpan<double> exact, double time)
    {
        Fill(_step.Program, score, number, examples, time);
        if (IsCarried)
        {
            Fill(_step.Program, score, number, exact, time, "exact");
        }
    }

    // A batch of one of the times so far, spread evenly over them by the golden ratio.
    private void FillPast(long number)
    {
        const double golden = 0.6180339887498949;
        var k = (int)(number * golden % 1 * (_taken + 1));
        Fill(_kept[k], number, _memory[k].Positions, _memory[k].Scores, _times[k]);
    }

    private void Remember(int time)
    {
        if (_options.TimeDependent)
        {
            _memory[time].Take(_diffusion is null ? _at.Positions : _diffusion.Positions, _at.Scores);
        }
    }

    // The loss of Gaussian + a network is a quadratic in a; its minimum over the particles held out says how much of the network is true of others too.
    private void Shrink(KeptScore score, ReadOnlySpan<double> positions, double time)
    {
        if (_heldOut is not { } program)
        {
            return;
        }

        var (d, average) = (_problem.Dimension, State.Average);
        for (var i = 0; i < average.Length; i++)
        {
            program.Parameters[i] = average[i];
        }

        positions[(_options.Trained * d)..].CopyTo(program["x"].Span);
        foreach (var (given, values) in Given(score))
        {
            values.CopyTo(program[given].Span);
        }

        if (program.Uses("t"))
        {
            program["t"][0] = time;
        }

        program.Run(_options.HeldOut);
        var (square, overlap) = (program["square"][0], program["overlap"][0]);
        var factor = square > 0 ? (float)Math.Clamp(-overlap / square, 0, 1) : 1;
        Network.Scale(State.Parameters.Span, factor);
        Network.Scale(average.Span, factor);
    }

    // Where a score is learned of places alone, what is known of its moments is put right at the end.
    private void KeepMoments(KeptScore score, ReadOnlySpan<double> examples, double time)
    {
        if (!Score.HasAffinePart)
        {
            return;
        }

        score.Drive(_flow);
        _flow.Scores(examples, time, _learned);
        score.KeepMoments(examples, _learned, Score.ParticleDimension);
    }

    // E (x - m) . D s = -tr D for the score of any law: the difference as a share of tr D.
    private double SteinError()
    {
        var (d, matrix, mean) = (_problem.Dimension, _problem.Diffusion.Matrix, _kept[_taken].Mean);
        var points = _at.Positions;
        Scores(_taken, points, _learned);
        var (sum, trace) = (0.0, 0.0);
        for (var i = 0; i < d; i++)
        {
            trace += matrix[i * (d + 1)];
            for (var j = 0; j < d; j++)
            {
                for (var row = 0; row < points.Length && matrix[(i * d) + j] != 0; row += d)
                {
                    sum += (points[row + i] - mean[i]) * matrix[(i * d) + j] * _learned[row + j];
                }
            }
        }

        return Math.Abs((sum / (points.Length / d) / trace) + 1);
    }

    private void CheckFinite(ScoreFlow.Particles particles, double time)
    {
        if (particles.Lost(_problem.Dimension) is >= 0 and var lost)
        {
            throw Lost(lost, time);
        }
    }

    private static ArithmeticException Lost(int particle, double time) => new(FormattableString.Invariant(
        $"Particle {particle} is lost at t = {time:g6}: it has run off. Take shorter steps, more particles or a lower learning rate."));

    private static int Farthest(double[] positions, double[] mean)
    {
        var d = mean.Length;
        return Enumerable.Range(0, positions.Length / d).MaxBy(i => Enumerable.Range(0, d).Max(j => Math.Abs(positions[(i * d) + j] - mean[j])));
    }

    private GradientStep<float> Compile(Run run)
    {
        var d = _problem.Dimension;
        var (x, t) = (Expr.Input("x", d), Expr.Shared("t"));
        var given = ScoreInputs.Shared(d, t);
        Expr At(Expr at) => Network.Apply(at, given with { Drift = _problem.Drift(at, t) });
        var matching = Metric;
        var loss = _options.Loss switch
        {
            SbtmLoss.Hutchinson => matching.Hutchinson(
                At, x, Expr.Random(RandomLaw.Rademacher, EvolutionMethodStreams.Probes, matching.Directions, _options.Probes), _options.JacobianPenalty),
            SbtmLoss.Denoising => matching.Denoising(
                At, x, Expr.Random(RandomLaw.Normal, EvolutionMethodStreams.Probes, matching.Directions), _options.NoiseScale),
            SbtmLoss.Carried => Metric.FisherError(At(x), Expr.Input("exact", d)),
            _ => matching.Exact(At, x),
        };
        var scale = _problem.Diffusion.Matrix.Max(Math.Abs) * _options.BatchSize;
        var step = new GradientStep<float>(_parameters, loss / scale, _options.BatchSize, _options.GradientStep, run.Execution);
        step.Program["x"] = new NdArray<float>(_options.BatchSize, d);
        step.Program.BindIfUsed("t", new NdArray<float>());
        step.Program.BindIfUsed("exact", new NdArray<float>(_options.BatchSize, d));
        return step;
    }

    // With the network n and what is known beside it, g: E n . D n and E n . D g + div(D n), sums over a batch.
    private CompiledProgram<double> CompileHeldOut(Run run)
    {
        var d = _problem.Dimension;
        var (x, t, matrix) = (Expr.Input("x", d), Expr.Shared("t"), Expr.Constant([.. _problem.Diffusion.Matrix], d, d));
        var (learned, known) = Network.Parts(x, ScoreInputs.Shared(d, t) with { Drift = _problem.Drift(x, t) });
        var noisy = Expr.MatrixProduct(matrix, learned);
        var overlap = Derivative.Divergence(noisy, x);
        overlap = known is null ? overlap : overlap + Expr.Dot(noisy, known);
        var traced = new TracedProgram(_parameters, ("square", Expr.Dot(learned, noisy).BatchSum()), ("overlap", overlap.BatchSum()));
        var program = new CompiledProgram<double>(traced, run.Execution)
        {
            ["x"] = new NdArray<double>(_options.HeldOut, d),
            Parameters = new NdArray<double>(_parameters.Count),
        };
        program.BindIfUsed("t", new NdArray<double>());
        return program;
    }

    // Draws of the initial law; where normal noise makes them, of noise whose mean is 0 and whose covariance is the identity.
    private static double[] InitialParticles(EvolutionProblem problem, SbtmOptions options, int? particleDimension, Run run)
    {
        var (d, random) = (problem.Dimension, new RandomStream(run.Seed, EvolutionMethodStreams.Particles));
        if (!options.MatchMoments || problem.Initial.Noise != RandomLaw.Normal)
        {
            return problem.Initial.Sample(options.Particles, random);
        }

        var noise = GaussianBase.Isotropic(d).Sample(options.Particles, random);
        var moments = new KeptScore([], new double[d], new double[d * d], [], []);
        moments.TakeMoments(noise, 0, particleDimension);
        var (mean, whitener) = (Expr.Constant(moments.Mean, d), Expr.Constant(moments.Whitener, d, d));
        return PointFunction.At(z => problem.Initial.FromNoise(Expr.MatrixProduct(whitener, z - mean)), noise, d, run.Execution);
    }
}
