using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;

namespace Monge.Methods;

/// <summary>The target in the coordinates z of a base, evaluated in float64 whatever the precision of the training.</summary>
internal sealed class TargetEvaluation : IDisposable
{
    private const double LeastLogDensity = -1e30;

    private readonly CompiledProgram<double> _program;
    private readonly int _reported;

    public TargetEvaluation(TransportProblem problem, ExecutionOptions options)
    {
        var whitened = problem.Whitened();
        _reported = problem.Target.Names.Count;
        var z = Expr.Input("z", problem.Target.Dimension);
        _program = new CompiledProgram<double>(new TracedProgram(null, ("logTarget", whitened.LogDensity(z)), ("report", whitened.Report(z))), options);
    }

    /// <summary>Evaluations of the target's log density so far.</summary>
    public long TargetCalls { get; private set; }

    /// <summary>log rho [n] (log|det L| included) and the reported values [n, names] at positions z [n, d].</summary>
    public (double[] LogTarget, double[] Reported) At<T>(NdArray<T> positions, int samples)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var d = positions.RowLength;
        var z = new NdArray<double>(samples, d);
        for (var i = 0; i < z.Length; i++)
        {
            z[i] = double.CreateChecked(positions[i]);
        }

        var (value, report) = (new NdArray<double>(samples), new NdArray<double>(samples, _reported));
        (_program["z"], _program["logTarget"], _program["report"]) = (z, value, report);
        _program.Run(samples);
        TargetCalls += samples;
        double[] values = [.. value.Span];
        for (var i = 0; i < samples; i++)
        {
            // Some write a huge number for minus infinity.
            values[i] = values[i] < LeastLogDensity ? double.NegativeInfinity : values[i];
        }

        return (values, report.Span.ToArray());
    }

    /// <summary>log p0 [n] of the standard normal.</summary>
    public static double[] LogBase<T>(NdArray<T> positions, int samples)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var d = positions.RowLength;
        var values = new double[samples];
        for (var i = 0; i < samples; i++)
        {
            var sum = 0.0;
            foreach (var z in positions.Row(i))
            {
                var wide = double.CreateChecked(z);
                sum += wide * wide;
            }

            values[i] = (-0.5 * sum) - (0.5 * d * Math.Log(2 * Math.PI));
        }

        return values;
    }

    public void Dispose() => _program.Dispose();
}
