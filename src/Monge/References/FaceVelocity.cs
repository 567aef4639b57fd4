using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Fields;

namespace Monge.References;

/// <summary>One component of a drift at the faces that it crosses, with the downhill slope of a potential added to it.</summary>
internal sealed class FaceVelocity : IDisposable
{
    private readonly CompiledProgram<double>? _program;
    private readonly NdArray<double> _values = new(0);
    private readonly NdArray<double> _time = new();
    private readonly double[]? _slope;
    private readonly bool[] _isWall;
    private readonly bool _isConstant = true;
    private double _lastTime = double.NaN;

    /// <summary>Makes it.</summary>
    /// <param name="drift">The field; null for none.</param>
    /// <param name="component">Its component.</param>
    /// <param name="faces">The faces' centres [m, d].</param>
    /// <param name="isWall">Which faces nothing passes [m].</param>
    /// <param name="slope">What the potential adds [m]; null for none.</param>
    /// <param name="threads">Threads.</param>
    public FaceVelocity(IVectorField? drift, int component, double[] faces, bool[] isWall, double[]? slope, int threads)
    {
        (_slope, _isWall) = (slope, isWall);
        if (drift is null)
        {
            return;
        }

        var value = drift.Apply(Expr.Input("x", drift.Dimension), Expr.Shared("t"))[component];
        _values = new NdArray<double>(isWall.Length);
        _program = new CompiledProgram<double>(new TracedProgram(null, ("velocity", value)), new ExecutionOptions { Threads = threads })
        {
            ["velocity"] = _values,
        };
        _program.BindIfUsed("x", NdArray<double>.From(faces, isWall.Length, drift.Dimension));
        _program.BindIfUsed("t", _time);
        _isConstant = !_program.Uses("t");
    }

    /// <summary>Brings velocities to a time; says whether they have changed.</summary>
    /// <param name="t">The time.</param>
    /// <param name="velocity">The velocities at the last time asked for; receives those at this one [m].</param>
    /// <exception cref="ArithmeticException">The drift is not finite at a face.</exception>
    public bool Update(double t, double[] velocity)
    {
        if (t == _lastTime || (_isConstant && !double.IsNaN(_lastTime)))
        {
            return false;
        }

        _lastTime = t;
        _time[0] = t;
        _program?.Run(velocity.Length);
        var values = _values.Span;
        for (var k = 0; k < velocity.Length; k++)
        {
            velocity[k] = _isWall[k] ? 0 : (_program is null ? 0 : values[k]) + (_slope is null ? 0 : _slope[k]);
            if (!double.IsFinite(velocity[k]))
            {
                _lastTime = double.NaN;
                throw new ArithmeticException(FormattableString.Invariant(
                    $"The drift is {velocity[k]} at a face between cells at t = {t:g6}; take a smaller domain or a drift that is finite on it."));
            }
        }

        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _program?.Dispose();
}
