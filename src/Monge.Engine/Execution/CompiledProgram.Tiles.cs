using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Monge.Engine.Execution;

/// <content>The tiles of a call, on all threads.</content>
public sealed unsafe partial class CompiledProgram<T>
{
    private void RunTiles()
    {
        var work = (double)_samples * _steps;
        var canShare = _groups > 1 && _team.ThreadCount > 1;
        var begin = Stopwatch.GetTimestamp();
        if (canShare && _body.Choice.UsesAll(work))
        {
            _team.Run(_work);
        }
        else
        {
            RunGroups(_contexts[0]);
            Reduce(0, 1);
        }

        if (canShare)
        {
            _body.Choice.Learn(work, Stopwatch.GetTimestamp() - begin);
        }
    }

    private void Work(int thread)
    {
        RunGroups(_contexts[thread]);
        if (_plan.AccumulatorCount > 0)
        {
            _team.Barrier();
            Reduce(thread, _team.ThreadCount);
        }
    }

    // Which thread takes a group doesn't matter: a group's tiles are fixed, and so is the order in which groups are added up.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunGroups(TileContext context)
    {
        while (true)
        {
            var group = Interlocked.Increment(ref _nextGroup) - 1;
            if (group >= _groups)
            {
                return;
            }

            if (_plan.AccumulatorCount > 0)
            {
                var sums = _accumulators + ((nuint)group * GroupBytes);
                context.Bases[(int)Space.Accumulators] = (nint)sums;
            }

            var first = (int)((long)_tiles * group / _groups);
            var end = (int)((long)_tiles * (group + 1) / _groups);
            for (var tile = first; tile < end; tile++)
            {
                RunTile(context, tile, tile == first);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunTile(TileContext context, int tile, bool isFirst)
    {
        context.First = (long)tile * _body.Lanes;
        context.Valid = (int)Math.Min(_body.Lanes, _samples - context.First);
        for (var i = 0; i < _loadArrays.Length; i++)
        {
            _body.Loads[i].Kernel.Run(context, (byte*)_loadArrays[i]!.Pointer);
        }

        for (var k = 0; k < _steps; k++)
        {
            context.Step = _draw.Step + (ulong)k;
            context.IsGroupStart = isFirst && k == 0;
            context.Bases[(int)Space.PerStep] = (nint)(_perStep + (_plan.PerStepSize * k));
            foreach (var kernel in _body.Kernels)
            {
                kernel.Run(context);
            }

            if (k + 1 < _steps)
            {
                foreach (var copy in _body.Feedbacks)
                {
                    copy.Run(context);
                }
            }
        }

        for (var i = 0; i < _storeArrays.Length; i++)
        {
            if (_storeArrays[i] is { } array)
            {
                _body.Stores[i].Kernel.Run(context, (byte*)array.Pointer);
            }
        }
    }

    // Adds the groups' sums in the order of the groups; each thread takes a stretch of the elements.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Reduce(int thread, int threads)
    {
        const int Block = 1024;
        var count = _plan.AccumulatorCount;
        var blocks = (count + Block - 1) / Block;
        var begin = (int)((long)blocks * thread / threads) * Block;
        var end = Math.Min((int)((long)blocks * (thread + 1) / threads) * Block, count);
        for (var from = begin; from < end; from += Block)
        {
            var length = Math.Min(Block, end - from);
            var total = (T*)_accumulators + from;
            for (var group = 1; group < _groups; group++)
            {
                var part = (T*)(_accumulators + ((nuint)group * GroupBytes)) + from;
                var i = 0;
                for (; i + Vector<T>.Count <= length; i += Vector<T>.Count)
                {
                    (Vector.Load(total + i) + Vector.Load(part + i)).Store(total + i);
                }

                for (; i < length; i++)
                {
                    total[i] += part[i];
                }
            }
        }
    }
}
